// Package web serves people: the dashboard's files and their guards.
//
// In come requests of browsers; out go the dashboard, GraphiQL, and headers
// that keep other sites and injected scripts out. It keeps nothing.
package web

import (
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// contentPolicy lets a page use this origin only. Charts set styles on
// elements, hence the exception for styles.
const contentPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Guard sets the headers that every answer carries, and refuses requests that
// another site made a browser send.
func Guard(next http.Handler) http.Handler {
	sameSite := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		sameSite.ServeHTTP(w, r)
	})
}

// Dashboard serves the built files, compressed for who can read that. A path
// without a file is a page of the dashboard's own router.
func Dashboard(files fs.FS) http.Handler {
	server := http.FileServerFS(files)
	return gzhttp.GzipHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "there is nothing here to "+r.Method, http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		switch {
		case name == "graphiql":
			serve(w, r, files, "graphiql.html")
		case strings.HasPrefix(name, "assets/"):
			if _, err := fs.Stat(files, name); err == nil {
				// Their names change with their content.
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			}
			server.ServeHTTP(w, r)
		case name != "" && isFile(files, name):
			server.ServeHTTP(w, r)
		default:
			serve(w, r, files, "index.html")
		}
	}))
}

func serve(w http.ResponseWriter, r *http.Request, files fs.FS, name string) {
	if !isFile(files, name) {
		http.Error(w, "this binary was built without the dashboard; run `make build`", http.StatusNotFound)
		return
	}
	http.ServeFileFS(w, r, files, name)
}

func isFile(files fs.FS, name string) bool {
	info, err := fs.Stat(files, name)
	return err == nil && info.Mode().IsRegular()
}
