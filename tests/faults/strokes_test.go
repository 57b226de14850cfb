package faults

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// dice draw the faults of a world.
type dice struct {
	*rand.Rand
	embedded bool // there is no NATS but those in the control planes
}

// between draws a time.
func (d dice) between(least, most time.Duration) time.Duration {
	if most <= least {
		return least
	}
	return least + time.Duration(d.Int64N(int64(most-least)))
}

// strokes draw faults, each as often as it stands here.
var strokes = []func(dice) stroke{
	killPlane, killPlane, freezePlane, onePlane,
	deleteStore, deleteStore, deleteStoreUnder, flipStore, flipStore,
	killPostgres, killBackend, freezePostgres,
	strikeCommit, strikeCommit, strikeCommit, killAfterCommit, killAfterCommit,
	cutLink, cutLink, poisonLink, poisonLink, poisonLink, poisonLink,
	freezeEnvoy,
}

// strokesOfNATS are for a NATS that is a process of its own.
var strokesOfNATS = []func(dice) stroke{killNATS, freezeNATS}

const (
	usesNATS     = "NATS"
	usesPostgres = "Postgres"
	usesEnvoy    = "Envoy"
)

func usesPlane(i int) string { return fmt.Sprint("control plane ", i+1) }

// links are drawn by number: that of the edge, then those to Postgres, then those
// to NATS.
func (d dice) link() int {
	if d.embedded {
		return d.IntN(1 + planes)
	}
	return d.IntN(1 + 2*planes)
}

func linkName(i int) string {
	switch {
	case i == 0:
		return "edge"
	case i <= planes:
		return fmt.Sprint("postgres ", i)
	}
	return fmt.Sprint("nats ", i-planes)
}

// do makes a step of what can't fail.
func do(at time.Duration, what string, f func(*world)) step {
	return step{at, what, func(_ context.Context, w *world) error { f(w); return nil }}
}

func killPlane(r dice) stroke {
	i, lasts := r.IntN(planes), r.between(0, 2*time.Second)
	return stroke{[]string{usesPlane(i)}, []step{
		do(0, usesPlane(i)+" is killed", func(w *world) { w.planes[i].kill() }),
		do(lasts, usesPlane(i)+" starts", func(w *world) { w.planes[i].up() }),
	}, lasts}
}

// onePlane leaves only one control plane for the rest of the schedule.
func onePlane(r dice) stroke {
	i := r.IntN(planes)
	return stroke{[]string{usesPlane(i)}, []step{
		do(0, usesPlane(i)+" is killed for good", func(w *world) { w.planes[i].kill() }),
	}, time.Minute}
}

func freezePlane(r dice) stroke {
	i, lasts := r.IntN(planes), r.between(200*time.Millisecond, 4*time.Second)
	return stroke{[]string{usesPlane(i)}, []step{
		do(0, usesPlane(i)+" is stopped", func(w *world) { w.planes[i].freeze() }),
		do(lasts, usesPlane(i)+" goes on", func(w *world) { w.planes[i].thaw() }),
	}, lasts}
}

func killNATS(r dice) stroke {
	lasts := r.between(0, 2*time.Second)
	return stroke{[]string{usesNATS}, []step{
		do(0, "NATS is killed", func(w *world) { w.nats.kill() }),
		do(lasts, "NATS starts", func(w *world) { w.nats.up() }),
	}, lasts}
}

func freezeNATS(r dice) stroke {
	lasts := r.between(200*time.Millisecond, 4*time.Second)
	return stroke{[]string{usesNATS}, []step{
		do(0, "NATS is stopped", func(w *world) { w.nats.freeze() }),
		do(lasts, "NATS goes on", func(w *world) { w.nats.thaw() }),
	}, lasts}
}

// deleteStore and flipStore first keep the control planes from the database, so
// that there is something in the store.
func deleteStore(r dice) stroke {
	return spoilStore(r, "the store is deleted", func(store string) error { return os.RemoveAll(store) })
}

// deleteStoreUnder deletes the store of a NATS that runs on.
func deleteStoreUnder(r dice) stroke {
	keeper := r.IntN(planes)
	name, store := usesNATS, func(w *world) string { return w.store }
	if r.embedded {
		name, store = usesPlane(keeper), func(w *world) string { return w.stores[keeper] }
	}
	return stroke{[]string{name}, []step{
		{0, "the store is deleted under " + name, func(_ context.Context, w *world) error {
			return w.spoil(store(w), func(store string) error {
				gone := store + " is gone" // at once, whatever NATS writes meanwhile
				if err := os.Rename(store, gone); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
				return os.RemoveAll(gone)
			})
		}},
	}, 0}
}

func flipStore(r dice) stroke {
	where, bit := r.Float64(), byte(1)<<r.IntN(8)
	return spoilStore(r, fmt.Sprintf("a bit of the store flips at %.0f%%", 100*where), func(store string) error { return flip(store, where, bit) })
}

func spoilStore(r dice, what string, spoil func(store string) error) stroke {
	fills, lasts := r.between(time.Second, 2500*time.Millisecond), r.between(0, time.Second)
	keeper := r.IntN(planes) // of the store, where there is no NATS
	name, keeps := "NATS", func(w *world) *part { return w.nats }
	if r.embedded {
		name, keeps = usesPlane(keeper), func(w *world) *part { return w.planes[keeper] }
	}
	s := stroke{[]string{name}, nil, fills + lasts}
	for i := range planes {
		s.uses = append(s.uses, linkName(1+i))
		s.steps = append(s.steps, do(0, "the link "+linkName(1+i)+" is cut", func(w *world) { w.toSQL[i].cut() }))
	}
	s.steps = append(s.steps, step{fills, name + " is killed, and " + what, func(_ context.Context, w *world) error {
		keeps(w).kill()
		store := w.store
		if r.embedded {
			store = w.stores[keeper]
		}
		return w.spoil(store, spoil)
	}})
	for i := range planes {
		s.steps = append(s.steps, step{fills, "the link " + linkName(1+i) + " is mended", func(_ context.Context, w *world) error { return w.toSQL[i].mend() }})
	}
	s.steps = append(s.steps, do(fills+lasts, name+" starts", func(w *world) { keeps(w).up() }))
	return s
}

func (w *world) spoil(store string, how func(store string) error) error {
	files, err := blocks(store)
	if err != nil {
		return err
	}
	if len(files) > 0 {
		w.spoiled.Add(1)
	}
	return how(store)
}

// flip flips a bit of the first file with messages, if there is any.
func flip(store string, where float64, bit byte) error {
	files, err := blocks(store)
	if err != nil || len(files) == 0 {
		return err
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	content[int(where*float64(len(content)))] ^= bit
	return os.WriteFile(files[0], content, 0o600)
}

// blocks returns the files of a store that have messages.
func blocks(store string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(store, "jetstream", "*", "streams", "*", "msgs", "*.blk"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	return slices.DeleteFunc(files, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || info.Size() == 0
	}), nil
}

func killPostgres(r dice) stroke {
	lasts := r.between(0, 2*time.Second)
	return stroke{[]string{usesPostgres}, []step{
		do(0, "Postgres is killed", func(w *world) { w.database.kill() }),
		{lasts, "Postgres starts", func(ctx context.Context, w *world) error { return w.database.up(ctx) }},
	}, lasts}
}

func killBackend(r dice) stroke {
	n := r.IntN(100)
	return stroke{[]string{usesPostgres}, []step{
		do(0, "process "+strconv.Itoa(n)+" of Postgres is killed", func(w *world) { w.database.killOne(n) }),
	}, 0}
}

func freezePostgres(r dice) stroke {
	lasts := r.between(200*time.Millisecond, 4*time.Second)
	return stroke{[]string{usesPostgres}, []step{
		do(0, "Postgres is stopped", func(w *world) { w.database.signal(syscall.SIGSTOP) }),
		do(lasts, "Postgres goes on", func(w *world) { w.database.signal(syscall.SIGCONT) }),
	}, lasts}
}

// strikeCommit cuts connections just before or just after a commit, some times.
func strikeCommit(r dice) stroke {
	i := r.IntN(planes)
	s := stroke{uses: []string{"commits of " + usesPlane(i)}}
	for range 1 + r.IntN(4) {
		how, what := loseAnswer, "loses the answer to the next commit"
		if r.IntN(4) == 0 {
			how, what = loseCommit, "loses the next commit"
		}
		s.steps = append(s.steps, do(s.lasts, usesPlane(i)+" "+what, func(w *world) { w.taps[i].arm(how) }))
		s.lasts += r.between(100*time.Millisecond, 1200*time.Millisecond)
	}
	return s
}

// killAfterCommit kills Postgres when it has committed, before anybody hears of it.
func killAfterCommit(r dice) stroke {
	i, lasts := r.IntN(planes), r.between(500*time.Millisecond, 2500*time.Millisecond)
	return stroke{[]string{usesPostgres, "commits of " + usesPlane(i)}, []step{
		do(0, "Postgres is killed between the next commit of "+usesPlane(i)+" and the answer to it", func(w *world) { w.taps[i].arm(killAfter) }),
		{lasts, "Postgres starts", func(ctx context.Context, w *world) error {
			w.taps[i].arm(passCommit)
			return w.database.up(ctx)
		}},
	}, lasts}
}

func cutLink(r dice) stroke {
	i, lasts := r.link(), r.between(0, 3*time.Second)
	return stroke{[]string{linkName(i)}, []step{
		do(0, "the link "+linkName(i)+" is cut", func(w *world) { w.links()[i].cut() }),
		{lasts, "the link " + linkName(i) + " is mended", func(_ context.Context, w *world) error { return w.links()[i].mend() }},
	}, lasts}
}

func poisonLink(r dice) stroke {
	i, lasts, t := r.link(), r.between(300*time.Millisecond, 4*time.Second), drawToxic(r)
	return stroke{[]string{linkName(i)}, []step{
		{0, "the link " + linkName(i) + " gets " + t.String(), func(_ context.Context, w *world) error { return w.links()[i].poison(t) }},
		{lasts, "the link " + linkName(i) + " is cured", func(ctx context.Context, w *world) error { w.links()[i].cure(ctx); return nil }},
	}, lasts}
}

func drawToxic(r dice) toxic {
	t := toxic{Stream: []string{"upstream", "downstream"}[r.IntN(2)], Toxicity: 1}
	switch r.IntN(7) {
	case 0:
		t.Type, t.Attributes = "latency", map[string]int{"latency": 20 + r.IntN(800), "jitter": r.IntN(400)}
	case 1:
		t.Type, t.Attributes = "slow_close", map[string]int{"delay": 100 + r.IntN(1500)}
	case 2:
		t.Type, t.Attributes = "reset_peer", map[string]int{"timeout": r.IntN(500)}
	case 3:
		t.Type, t.Attributes = "limit_data", map[string]int{"bytes": 1 + r.IntN(30_000)}
	case 4:
		t.Type, t.Attributes = "timeout", map[string]int{"timeout": r.IntN(2) * r.IntN(1500)}
	case 5:
		t.Type, t.Attributes = "bandwidth", map[string]int{"rate": 1 + r.IntN(40)}
	default:
		t.Type, t.Attributes = "slicer", map[string]int{"average_size": 50 + r.IntN(400), "size_variation": 40, "delay": 100 + r.IntN(5000)}
	}
	return t
}

func freezeEnvoy(r dice) stroke {
	lasts := r.between(100*time.Millisecond, 3*time.Second)
	signal := func(s syscall.Signal) func(context.Context, *world) error {
		return func(_ context.Context, w *world) error { return syscall.Kill(w.envoy.PID(), s) }
	}
	return stroke{[]string{usesEnvoy}, []step{
		{0, "Envoy is stopped", signal(syscall.SIGSTOP)},
		{lasts, "Envoy goes on", signal(syscall.SIGCONT)},
	}, lasts}
}

// killEnvoy is for schedules that look for what is missing then. Envoy may have been
// without an edge for a while.
func killEnvoy(unheard time.Duration) stroke {
	s := stroke{uses: []string{usesEnvoy}}
	kill := func(ctx context.Context, w *world) error {
		w.killed, w.unheard = time.Now(), unheard
		w.killEnvoy()
		return nil
	}
	if unheard > 0 {
		s.uses = append(s.uses, linkName(0))
		s.steps = []step{
			do(-unheard, "the link edge is cut", func(w *world) { w.edge.cut() }),
			{0, "Envoy is killed", kill},
			{0, "the link edge is mended", func(_ context.Context, w *world) error { return w.edge.mend() }},
		}
	} else {
		s.steps = []step{{0, "Envoy is killed", kill}}
	}
	s.steps = append(s.steps, step{0, "Envoy starts", func(ctx context.Context, w *world) error { return w.startEnvoy(ctx) }})
	return s
}
