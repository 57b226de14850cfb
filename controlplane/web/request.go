package web

import (
	"crypto/rand"
	"net/http"

	"github.com/weirhq/weir/controlplane"
)

// requestHeader is where a request's id comes from and goes to.
const requestHeader = "X-Request-Id"

const maxRequestID = 128

// Identified gives each request an id: the one it brings in X-Request-Id, if that
// has 1 to 128 letters, digits and -_.:/+=, or else a new one. Answers carry it in
// the same field, and so does who acts in the request's context.
func Identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestHeader)
		if !saneID(id) {
			id = rand.Text()
		}
		w.Header().Set(requestHeader, id)
		actor := controlplane.ActorOf(r.Context())
		actor.RequestID = id
		next.ServeHTTP(w, r.WithContext(controlplane.WithActor(r.Context(), actor)))
	})
}

func saneID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=':
		default:
			return false
		}
	}
	return true
}
