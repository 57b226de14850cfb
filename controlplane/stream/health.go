package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	checkEvery  = 5 * time.Second
	checkWithin = 4 * time.Second
	// A store whose write has failed once is silent from then on. It is given up
	// after so many batches without an answer, and checks with none that had one.
	maxUnanswered = 3
	maxSilent     = 3
)

// health is what a connection knows of the stream.
type health struct {
	mu         sync.Mutex
	err        error // of the last check
	unanswered int   // batches since the last that the stream has taken
	silent     int   // checks since then
}

// last returns why batches can't be handed over, as far as is known.
func (h *health) last() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil && h.unanswered >= maxUnanswered {
		return errors.New("reach the usage stream: it takes no batches; is NATS's disk full or damaged?")
	}
	return h.err
}

func (h *health) published(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil:
		h.unanswered, h.silent = 0, 0
	case errors.Is(err, context.DeadlineExceeded):
		h.unanswered++
	}
}

// checked notes the outcome of a check, and reports whether a stream that seems well
// has been silent for too long.
func (h *health) checked(err error) (silent bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
	if h.unanswered < maxUnanswered {
		return false
	}
	h.silent++
	return h.silent >= maxSilent
}

// Check sets the stream up, and makes it anew when NATS, as it runs, has lost the
// files below it or takes no more batches: what was in it comes from the filters
// again. It fails when the stream can't be used.
func (c *Conn) Check(ctx context.Context) (remade bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	err = c.Setup(ctx)
	silent := c.health.checked(err)
	if !isLost(err) && (err != nil || !silent) {
		return false, err
	}
	if err := c.remake(ctx); err != nil {
		c.health.checked(err)
		return false, err
	}
	c.health.published(nil)
	c.health.checked(nil)
	return true, nil
}

func (c *Conn) remake(ctx context.Context) error {
	if err := c.js.DeleteStream(ctx, streamName); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("delete the spoiled usage stream: %w", err)
	}
	return c.Setup(ctx)
}

// isLost recognises what JetStream says when its files have been deleted below it.
func isLost(err error) bool {
	var refused *jetstream.APIError
	return errors.As(err, &refused) && refused.Code == http.StatusInternalServerError &&
		strings.Contains(refused.Description, "no such file or directory")
}

// Keep checks the stream every few seconds until ctx ends, and logs when it is lost,
// out of use and back.
func (c *Conn) Keep(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	wasWell := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		remade, err := c.Check(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && wasWell:
			log.Error("the usage stream can't be used; filters keep their batches until it can", "err", err)
		case remade:
			log.Warn("NATS lost the usage stream's files or took no more batches; made the stream anew, and filters send again what was in it")
		case err == nil && !wasWell:
			log.Info("the usage stream can be used again")
		}
		wasWell = err == nil
	}
}
