package graph

import (
	"errors"
	"net/http"
	"strings"
	"sync"
)

var errStreamOver = errors.New("the event stream is over")

// guardEvents makes responses of server-sent events safe to write to from
// several goroutines, and after their end: the GraphQL library's keep-alive does
// both.
func guardEvents(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		flusher, ok := w.(http.Flusher)
		if !ok || !wantsEvents(r) {
			next.ServeHTTP(w, r)
			return
		}
		guarded := &eventWriter{w: w, flusher: flusher}
		defer guarded.end()
		next.ServeHTTP(guarded, r)
	})
}

func wantsEvents(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/event-stream")
}

// eventWriter passes on one write at a time, until the handler has returned.
type eventWriter struct {
	w       http.ResponseWriter
	flusher http.Flusher

	mu   sync.Mutex
	over bool
}

// Header implements http.ResponseWriter.
func (e *eventWriter) Header() http.Header { return e.w.Header() }

// WriteHeader implements http.ResponseWriter.
func (e *eventWriter) WriteHeader(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.over {
		e.w.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (e *eventWriter) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.over {
		return 0, errStreamOver
	}
	return e.w.Write(p)
}

// Flush implements http.Flusher.
func (e *eventWriter) Flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.over {
		e.flusher.Flush()
	}
}

func (e *eventWriter) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
}
