package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Bounds of what the upstream can be asked for.
const (
	maxDelay     = 10 * time.Second
	maxSize      = 10 << 20
	maxBodyBytes = 64 << 20
)

// echo is what the upstream answers.
type echo struct {
	Method    string              `json:"method"`
	Path      string              `json:"path"`
	Query     map[string][]string `json:"query"`
	Headers   map[string][]string `json:"headers"`
	BodyBytes int64               `json:"body_bytes"`
}

// wish is what a request asks the upstream for, as query parameters or as the
// headers x-demo-status, x-demo-delay and x-demo-size.
type wish struct {
	status int
	delay  time.Duration
	size   int // of the body; -1: the echo
}

// Upstream answers any path with 200 and says what it got, as JSON. A request
// can ask for another status (status=503), a delay (delay=200ms, at most 10s)
// and a body of so many bytes (size=10000, at most 10 MiB).
func Upstream() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wish, err := parseWish(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		bodyBytes, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBodyBytes))
		if err != nil {
			http.Error(w, "the body can't be read, or has more than 64 MiB", http.StatusBadRequest)
			return
		}
		if !pause(r, wish.delay) {
			return
		}
		answer(w, r, wish, bodyBytes)
	})
}

// pause waits, unless the client leaves first.
func pause(r *http.Request, delay time.Duration) bool {
	if delay == 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func answer(w http.ResponseWriter, r *http.Request, wish wish, bodyBytes int64) {
	if wish.status == http.StatusNoContent || wish.status == http.StatusNotModified {
		w.WriteHeader(wish.status)
		return
	}
	if wish.size >= 0 {
		w.Header().Set("content-type", "text/plain")
		w.Header().Set("content-length", strconv.Itoa(wish.size))
		w.WriteHeader(wish.status)
		// A client that leaves early is none of the upstream's business.
		_, _ = io.CopyN(w, fill{}, int64(wish.size))
		return
	}
	w.Header().Set("content-type", "application/json")
	w.WriteHeader(wish.status)
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(echo{r.Method, r.URL.Path, r.URL.Query(), r.Header, bodyBytes})
}

// fill is an endless row of one letter.
type fill struct{}

func (fill) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'w'
	}
	return len(p), nil
}

func parseWish(r *http.Request) (wish, error) {
	w := wish{status: http.StatusOK, size: -1}
	query := r.URL.Query()
	ask := func(name string) string {
		if v := query.Get(name); v != "" {
			return v
		}
		return r.Header.Get("x-demo-" + name)
	}
	var errs []error
	var err error
	if v := ask("status"); v != "" {
		if w.status, err = strconv.Atoi(v); err != nil || w.status < 200 || w.status > 599 {
			errs = append(errs, fmt.Errorf("status: give a number from 200 to 599, not %.20q", v))
		}
	}
	if v := ask("delay"); v != "" {
		if w.delay, err = time.ParseDuration(v); err != nil || w.delay < 0 || w.delay > maxDelay {
			errs = append(errs, fmt.Errorf("delay: give a time up to %v such as 200ms, not %.20q", maxDelay, v))
		}
	}
	if v := ask("size"); v != "" {
		if w.size, err = strconv.Atoi(v); err != nil || w.size < 0 || w.size > maxSize {
			errs = append(errs, fmt.Errorf("size: give a number of bytes up to %d, not %.20q", maxSize, v))
		}
	}
	return w, errors.Join(errs...)
}
