package subscribe

import (
	"context"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

// watches look at the credentials of connections now and then: once for all
// connections that showed the same.
type watches struct {
	still func(ctx context.Context) bool
	every time.Duration

	mu    sync.Mutex
	byKey map[[sha256.Size]byte]*watch
}

type watch struct {
	stop context.CancelFunc
	ends map[*http.Request]func()
}

// begin calls end once the credentials of r are no longer good, until the
// function that it returns is called.
func (w *watches) begin(r *http.Request, end func()) (stop func()) {
	key := sha256.Sum256([]byte(r.Header.Get("Authorization") + "\x00" + r.Header.Get("Cookie")))
	w.mu.Lock()
	defer w.mu.Unlock()
	shared := w.byKey[key]
	if shared == nil {
		if w.byKey == nil {
			w.byKey = map[[sha256.Size]byte]*watch{}
		}
		ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
		shared = &watch{stop: cancel, ends: map[*http.Request]func(){}}
		w.byKey[key] = shared
		go w.run(ctx, key, shared)
	}
	shared.ends[r] = end
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(shared.ends, r)
		if len(shared.ends) == 0 {
			w.forget(key, shared)
		}
	}
}

func (w *watches) forget(key [sha256.Size]byte, shared *watch) {
	if w.byKey[key] == shared {
		delete(w.byKey, key)
	}
	shared.stop()
}

func (w *watches) run(ctx context.Context, key [sha256.Size]byte, shared *watch) {
	again := time.NewTicker(w.every)
	defer again.Stop()
	for {
		select {
		case <-again.C:
			if !w.still(ctx) && ctx.Err() == nil {
				w.end(key, shared)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (w *watches) end(key [sha256.Size]byte, shared *watch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget(key, shared)
	for _, end := range shared.ends {
		end()
	}
}
