package faults

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// bug is a mistake that is planted into a world.
type bug struct {
	name  string
	edge  *lie              // what the edge does beside its work; nil: nothing
	sql   string            // what the database does beside its work
	taps  int32             // how the taps treat every commit
	fault func(dice) stroke // that brings it to light; nil: none is needed
	kills bool              // Envoy is killed
	tells string            // part of what has to be found
}

var plantedBugs = flag.Int("bugs", 1, "how many of the planted bugs to look for")

// bugs are mistakes that the real parts could make.
func bugs() []bug {
	return []bug{
		{
			name: "some batches are passed on twice, under another source too", tells: "clients saw",
			edge: &lie{batch: func(b *wire.Batch) []*wire.Batch {
				twin := *b
				twin.Source[0] ^= 1
				return []*wire.Batch{&twin, b}
			}},
		},
		{
			name: "receipts say that the database has what only the stream has", tells: "clients saw",
			edge: &lie{receipt: func(r *wire.Receipt) { r.Committed = max(r.Committed, r.Accepted) }}, fault: deleteStore,
		},
		{
			name: "a batch is counted again when it comes again", // sooner or later than the comparison begins
			sql:  trigger("sources", "new.committed := 0; new.ahead := '{}';"), fault: loseAnswers,
		},
		{
			name: "a commit that did not happen is taken for one", tells: "clients saw",
			taps: pretendCommit,
		},
		{
			name: "some batches are thrown away", tells: "clients saw",
			edge: &lie{batch: func(b *wire.Batch) []*wire.Batch { return nil }},
		},
		{
			name: "some batches are counted in another minute", tells: "up to the end of",
			edge: &lie{batch: func(b *wire.Batch) []*wire.Batch {
				for i := range b.Entries {
					b.Entries[i].Minute--
				}
				return []*wire.Batch{b}
			}},
		},
		{
			name: "some declared amounts are lost", tells: "tokens of",
			edge: &lie{batch: func(b *wire.Batch) []*wire.Batch {
				for i := range b.Meters {
					b.Meters[i].Amount /= 2
				}
				return []*wire.Batch{b}
			}},
		},
		{
			name: "days miss some usage", tells: "rows of days are not the sum",
			sql: trigger("usage_day", "if random() < 0.2 then return null; end if;"),
		},
		{
			name: "local days miss what they have beside those in UTC", tells: "rows of local days are not the sum",
			sql: trigger("usage_day_shift", "return null;"),
		},
		{
			name: "what sources sent is not noted now and then", tells: "sources sent something else",
			sql: trigger("sent_usage", "if random() < 0.2 then return null; end if;"),
		},
		{
			name: "what a killed Envoy had not sent is not noted", tells: "rows of unaccounted usage say 0 to 0",
			sql: trigger("unaccounted", "return null;"), kills: true,
		},
	}
}

// trigger has the database run a statement before it adds or changes a row.
func trigger(table, statement string) string {
	return fmt.Sprintf(`
		create function planted() returns trigger language plpgsql as $$ begin %s return new; end $$;
		create trigger planted before insert or update on %s for each row execute function planted()`, statement, table)
}

// loseAnswers has each control plane lose the answers to some commits.
func loseAnswers(dice) stroke {
	var s stroke
	for n := range 3 {
		for i := range planes {
			s.steps = append(s.steps, do(time.Duration(n)*500*time.Millisecond, "the answer to a commit is lost", func(w *world) { w.taps[i].arm(loseAnswer) }))
		}
	}
	return s
}

// foundWithin bounds the wait for usage that never comes.
const foundWithin = 20 * time.Second

// TestPlantedBugsAreFound tests the harness: it has to find each mistake, and to
// say what is wrong.
func TestPlantedBugsAreFound(t *testing.T) {
	t.Parallel()
	all := bugs()
	for i, b := range all[:min(*plantedBugs, len(all))] {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			w := startWorld(t, false, b)
			w.drainWithin = foundWithin
			_, err := w.play(t.Context(), b.schedule(uint64(i)))
			if err == nil {
				err = w.finish(t.Context())
			}
			if !errors.Is(err, errDifferent) || !strings.Contains(err.Error(), b.tells) {
				t.Errorf("the harness tells of %v; want a difference with %q", err, b.tells)
			}
		})
	}
}

func (b bug) schedule(seed uint64) schedule {
	s := schedule{seed: seed, killsEnvoy: b.kills, traffic: traffic{clients: 4, requests: 250, lasts: 4 * time.Second}}
	if b.fault != nil {
		s.add(time.Second, b.fault(dice{Rand: rand.New(rand.NewPCG(seed, 0))}))
	}
	if b.kills {
		s.add(killNotBefore, killEnvoy(0))
	}
	return s
}

// plant plants what is in the database and in front of it.
func (b bug) plant(ctx context.Context, w *world) error {
	for _, tap := range w.taps {
		tap.always.Store(b.taps)
	}
	if b.sql == "" {
		return nil
	}
	conn, err := w.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, b.sql)
	return err
}
