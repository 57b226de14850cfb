package subscribe

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/weirhq/weir/controlplane"
)

const eventStream = "text/event-stream"

type events struct{ *Server }

// Events returns the transport by server-sent events: a POST for each
// subscription.
func (s *Server) Events() graphql.Transport { return events{s} }

// Supports implements graphql.Transport.
func (events) Supports(r *http.Request) bool {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && r.Method == http.MethodPost && mediaType == "application/json" && strings.Contains(r.Header.Get("Accept"), eventStream)
}

// reader is a listener with one subscriber.
type reader struct{ signal chan struct{} }

func (r reader) news(*subscriber) {
	select {
	case r.signal <- struct{}{}:
	default:
	}
}

// Do implements graphql.Transport.
func (e events) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	var params graphql.RawParams
	if err := json.NewDecoder(r.Body).Decode(&params); err != nil {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(errorsOf(e.faults(r.Context(), controlplane.CodeValidation, "the request's body isn't one JSON object with query, operationName and variables")))
		return
	}
	out := eventWriter{http.NewResponseController(w), w}
	w.Header().Set("Content-Type", eventStream)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Accel-Buffering", "no") // asks a proxy not to collect events
	if out.begin() != nil {
		return
	}
	own := reader{make(chan struct{}, 1)}
	s, errs := e.open(r.Context(), exec, &params, own)
	if errs != nil {
		_ = out.write("event: next\ndata: ", string(errorsOf(errs)), "\n\nevent: complete\ndata:\n\n")
		return
	}
	defer e.streams.leave(s)
	over := make(chan struct{})
	defer e.watches.begin(r, func() { close(over) })()
	own.news(s) // what its stream may have by now
	e.pass(r, out, own, s, over)
}

// pass writes a stream's events until it or the connection is over.
func (e events) pass(r *http.Request, out eventWriter, own reader, s *subscriber, over <-chan struct{}) {
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		select {
		case <-own.signal:
			t := s.take()
			if t.event != nil && out.write("event: next\ndata: ", string(t.event), "\n\n") != nil {
				return
			}
			if t.fault != nil {
				t.event = append(append([]byte(`{"errors":`), t.fault...), '}')
				_ = out.write("event: next\ndata: ", string(t.event), "\n\n")
			}
			if t.ended {
				_ = out.write("event: complete\ndata:\n\n")
				return
			}
		case <-alive.C:
			if out.write(": ping\n\n") != nil {
				return
			}
		case <-over:
			faults := e.faults(r.Context(), controlplane.CodeUnauthenticated, signedOut)
			_ = out.write("event: next\ndata: ", string(errorsOf(faults)), "\n\nevent: complete\ndata:\n\n")
			return
		case <-r.Context().Done():
			return
		}
	}
}

type eventWriter struct {
	control *http.ResponseController
	w       http.ResponseWriter
}

// begin lifts the server's time for a request, and tells the client that it is heard.
func (e eventWriter) begin() error {
	if err := e.control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	return e.write(":\n\n")
}

func (e eventWriter) write(parts ...string) error {
	if err := e.control.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	var b bytes.Buffer
	for _, p := range parts {
		b.WriteString(p)
	}
	if _, err := e.w.Write(b.Bytes()); err != nil {
		return err
	}
	return e.control.Flush()
}
