package faults

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

const (
	// silentFor is longer than a living source is ever silent.
	silentFor = 15 * time.Second
	// unsentFor is how far back the loss of a killed Envoy may reach that had an edge:
	// its flush interval of a second, and what a busy machine adds.
	unsentFor = 4 * time.Second
)

// accountForKill waits until everything that was sent has been committed, and
// checks that what is missing is no more than a killed Envoy may take with it, and
// no more than the database says is unaccounted for. It returns how much that is.
func (w *world) accountForKill(ctx context.Context, o outcome) (lost int64, err error) {
	settling, cancel := context.WithTimeout(ctx, w.drainWithin)
	defer cancel()
	if err := w.awaitEmpty(settling); err != nil {
		return 0, err
	}
	wait(ctx, time.Until(w.killed.Add(silentFor+time.Second)))
	if err := w.accountSources(ctx); err != nil {
		return 0, err
	}
	conn, err := w.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	f, err := w.read(ctx, conn)
	if err != nil {
		return 0, err
	}
	differences, err := audit(ctx, conn)
	if err != nil {
		return 0, err
	}
	missing, surplus := w.truth.balance(f)
	if surplus > int64(o.unanswered) {
		differences = append(differences, fmt.Sprintf("the rollups have %d more than clients saw, and only %d requests were not answered", surplus, o.unanswered))
	}
	within := unsentFor + w.unheard
	if most := o.answeredAround(w.killed, within); missing > most {
		differences = append(differences, fmt.Sprintf("%d requests are missing, and only %d were answered in the %v before Envoy was killed", missing, most, within))
	}
	more, err := w.compareUnaccounted(ctx, conn, missing, int64(o.unanswered))
	if err != nil {
		return 0, err
	}
	if differences = append(differences, more...); len(differences) > 0 {
		return 0, fmt.Errorf("%w after Envoy was killed:%s", errDifferent, told(differences))
	}
	w.truth = f.truth()
	return missing, nil
}

// compareUnaccounted compares what is missing with the rows that say so.
func (w *world) compareUnaccounted(ctx context.Context, conn *pgx.Conn, missing, unanswered int64) (differences []string, err error) {
	var rows int
	var least, most int64
	var open bool // some have no upper end
	err = conn.QueryRow(ctx, `select count(*), coalesce(sum(at_least), 0)::bigint, coalesce(sum(at_most), 0)::bigint, coalesce(bool_or(at_most is null), false) from unaccounted where resolved_at is null and id > $1`, w.lastLoss).Scan(&rows, &least, &most, &open)
	if err != nil {
		return nil, err
	}
	if missing > most && !open || least > missing+unanswered {
		differences = append(differences, fmt.Sprintf("%d requests are missing, %d more were not answered, and %d rows of unaccounted usage say %d to %d", missing, unanswered, rows, least, most))
	}
	w.lost += rows
	return differences, conn.QueryRow(ctx, `select coalesce(max(id), 0) from unaccounted`).Scan(&w.lastLoss)
}

// answeredAround counts the answers shortly before a moment.
func (o *outcome) answeredAround(at time.Time, within time.Duration) (n int64) {
	for _, a := range o.answers {
		if a.earliest.Before(at) && a.earliest.After(at.Add(-within)) {
			n++
		}
	}
	return n
}

// balance returns how much of the truth is missing, and how much there is beyond it.
func (t *truth) balance(f found) (missing, surplus int64) {
	for d, h := range t.usage {
		difference := h.total - sumOf(f.usage[d])
		missing, surplus = missing+max(0, difference), surplus+max(0, -difference)
	}
	for d, minutes := range f.usage {
		if t.usage[d] == nil {
			surplus += sumOf(minutes)
		}
	}
	return missing, surplus
}

// truth takes what was found for the truth from now on.
func (f found) truth() truth {
	t := truth{map[dims]*history{}, f.tokens}
	for d, minutes := range f.usage {
		t.usage[d] = &history{sumOf(minutes), maps.Clone(minutes), maps.Clone(minutes)}
	}
	return t
}

// accountSources has sources that are silent accounted for, as the control plane
// does every now and then.
func (w *world) accountSources(ctx context.Context) error {
	db, err := postgres.Open(ctx, w.database.url())
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.AccountSources(ctx, silentFor)
	return err
}

// awaitEmpty waits until neither the filter nor the stream holds any usage. What is
// in control planes can't be looked into.
func (w *world) awaitEmpty(ctx context.Context) error {
	streamed := func() uint64 { return 0 }
	if !w.embedded {
		nc, err := nats.Connect("nats://" + w.natsAddr)
		if err != nil {
			return err
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			return err
		}
		streamed = func() uint64 {
			s, err := js.Stream(ctx, "WEIR_USAGE")
			if err != nil {
				return math.MaxUint64
			}
			return s.CachedInfo().State.Msgs
		}
	}
	const enough = 40 // polls in a row, of which the filter's word takes a few
	empty, pending, batches := 0, false, uint64(0)
	err := poll(ctx, func() bool {
		pending, batches = w.pending(ctx), streamed()
		if pending || batches > 0 {
			empty = 0
		} else {
			empty++
		}
		return empty >= enough
	})
	if err != nil {
		return fmt.Errorf("usage is still on its way: in the filter %v, in the stream %d batches%s", pending, batches, w.stuck())
	}
	return nil
}

// stuck tells of the batches in the stream, and how far its consumer is.
func (w *world) stuck() string {
	if w.embedded {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var text strings.Builder
	err := func() error {
		nc, err := nats.Connect("nats://" + w.natsAddr)
		if err != nil {
			return err
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			return err
		}
		c, err := js.Consumer(ctx, "WEIR_USAGE", "rollup")
		if err != nil {
			return err
		}
		i := c.CachedInfo()
		fmt.Fprintf(&text, "\n\tconsumer: delivered %+v, floor %+v, %d pending, %d unacknowledged, %d again, %d waiting", i.Delivered, i.AckFloor, i.NumPending, i.NumAckPending, i.NumRedelivered, i.NumWaiting)
		s, err := js.Stream(ctx, "WEIR_USAGE")
		if err != nil {
			return err
		}
		state := s.CachedInfo().State
		fmt.Fprintf(&text, "\n\tstream: %+v", state)
		for n := state.FirstSeq; n <= state.LastSeq; n++ {
			m, err := s.GetMsg(ctx, n)
			if err != nil {
				fmt.Fprintf(&text, "\n\t%d: %v", n, err)
				continue
			}
			b, err := wire.DecodeBatch(m.Data)
			if err != nil {
				fmt.Fprintf(&text, "\n\t%d: %s since %v: %v", n, m.Subject, m.Time, err)
				continue
			}
			fmt.Fprintf(&text, "\n\t%d: %s since %v, with %d entries", n, m.Subject, m.Time, len(b.Entries))
		}
		return nil
	}()
	if err != nil {
		fmt.Fprintf(&text, "\n\t%v", err)
	}
	return text.String()
}

// pending says whether the filter holds usage, or doesn't answer.
func (w *world) pending(ctx context.Context) bool {
	text, err := w.stats(ctx, "usage.pending")
	if err != nil {
		return true
	}
	for line := range strings.Lines(text) {
		if _, n, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && n != "0" {
			return true
		}
	}
	return false
}

// stats returns Envoy's statistics that match.
func (w *world) stats(ctx context.Context, filter string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.admin+"/stats?filter="+filter, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return string(text), err
}
