package controlplane

import (
	"strings"
	"time"

	"github.com/weirhq/weir/plugin/book"
)

// UnmatchedPath is a path that requests were answered at though no endpoint's template
// matched it, with how many of them are in the sample.
type UnmatchedPath struct {
	Method   string
	Path     string // as [PlainUnmatched] writes it
	Requests int64  // of the sample
	LastSeen time.Time
}

// PlainUnmatched returns a request's path in the spelling that endpoints' templates
// have, without a slash at its end, which makes no difference to them. It reports false
// for what can't be a template as it is.
func PlainUnmatched(method, path string) (plain string, ok bool) {
	if !strings.HasPrefix(path, "/") {
		return "", false
	}
	plain = book.PlainPath(path)
	if len(plain) > 1 {
		plain = strings.TrimSuffix(plain, "/")
	}
	return plain, !strings.Contains(plain, "{") && ValidateEndpoint(Endpoint{Method: method, Template: plain, Cost: 1}) == nil
}
