package app_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/pgtest"
	"github.com/weirhq/weir/controlplane/embedded/postgres"
	"github.com/weirhq/weir/controlplane/stream/streamtest"
	"github.com/weirhq/weir/plugin/wire"
)

func startPostgres(t *testing.T, dir string, port int) *postgres.Server {
	t.Helper()
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	pg, err := postgres.Start(t.Context(), postgres.Config{BinDir: top.PostgresBin(), DataDir: dir, Port: port, Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	return pg
}

// planeOn opens a control plane on a database and a NATS server of its own.
func planeOn(t *testing.T, database, nats, token string) *plane {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{
		DatabaseURL: database, NATSURL: nats, HTTPAddr: "127.0.0.1:0", EdgeAddr: "127.0.0.1:0",
		NodeToken: nodeToken, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &plane{a, t, token}
}

// told is what one subscriber hears: totals that never go down.
type told struct {
	*socket
	last int64
}

func (p *plane) follow() *told {
	s := p.socket(p.bearer())
	s.send("subscribe", "1", `subscription{usage{totals{requests}}}`)
	return &told{s, -1}
}

// next returns the totals of the next event.
func (s *told) next() int64 {
	s.t.Helper()
	var event liveEvent
	m := s.await("next")
	if err := json.Unmarshal(m.Payload, &event); err != nil || event.Errors != nil {
		s.t.Fatalf("%s %v", m.Payload, err)
	}
	if got := event.Data.Usage.Totals.Requests; got >= s.last {
		s.last = got
		return got
	}
	s.t.Fatalf("the totals went from %d to %s", s.last, m.Payload)
	return 0
}

// hears expects the totals to become want, with nothing else in between than
// what they were before.
func (s *told) hears(before, want int64) {
	s.t.Helper()
	for {
		switch got := s.next(); got {
		case want:
			return
		case before:
		default:
			s.t.Fatalf("the totals became %d, want %d", got, want)
		}
	}
}

// deliver posts a batch until an edge takes it, as a filter does.
func (p *plane) deliver(b *wire.Batch) {
	p.t.Helper()
	for tick := time.NewTicker(50 * time.Millisecond); p.post(b).Status != http.StatusOK; <-tick.C {
		if p.t.Context().Err() != nil {
			p.t.Fatal("the test ended")
		}
	}
}

// TestSubscribersOfTwoControlPlanesSurviveRestarts restarts what two processes
// share under their subscribers.
func TestSubscribersOfTwoControlPlanesSurviveRestarts(t *testing.T) {
	pgDir, natsDir := t.TempDir(), t.TempDir()
	pg := startPostgres(t, pgDir, 0)
	defer func() {
		if err := pg.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	database := pg.URL()
	if err := pgtest.Migrate(t.Context(), database); err != nil {
		t.Fatal(err)
	}
	nats := streamtest.Start(t, streamtest.Options{Dir: natsDir})
	t.Run("shared", func(t *testing.T) { // its planes close before what they share
		secret := controlplane.NewSecret("")
		a, b := planeOn(t, database, nats.URL(), secret.Reveal()), planeOn(t, database, nats.URL(), secret.Reveal())
		if err := a.DB().SetAPIToken(t.Context(), "tests", secret); err != nil {
			t.Fatal(err)
		}
		subscribers := []*told{a.follow(), b.follow()}
		all := func(before, want int64) {
			t.Helper()
			for _, s := range subscribers {
				s.hears(before, want)
			}
		}
		all(0, 0)
		a.deliver(usageBatch(1, 7, 5, wire.Allowed))
		all(0, 5)
		b.deliver(usageBatch(2, 7, 2, wire.Allowed))
		all(5, 7)

		port, err := strconv.Atoi(portOf(t, nats.URL()))
		if err != nil {
			t.Fatal(err)
		}
		nats.Stop()
		// Committed by somebody, and announced to nobody.
		if _, err := a.DB().CommitBatches(t.Context(), []*wire.Batch{usageBatch(3, 7, 10, wire.Allowed)}); err != nil {
			t.Fatal(err)
		}
		nats = streamtest.Start(t, streamtest.Options{Dir: natsDir, Port: port})
		all(7, 17)
		a.deliver(usageBatch(4, 7, 1, wire.Allowed))
		all(17, 18)

		port, err = strconv.Atoi(portOf(t, database))
		if err != nil {
			t.Fatal(err)
		}
		if err := pg.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.post(usageBatch(5, 7, 20, wire.Allowed))
		pg = startPostgres(t, pgDir, port)
		a.deliver(usageBatch(5, 7, 20, wire.Allowed))
		all(18, 38)

		late := b.follow()
		late.hears(38, 38)
	})
}

func portOf(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}
