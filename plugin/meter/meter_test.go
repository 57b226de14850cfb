package meter

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/plugin/wire"
)

func newMeter() *Meter {
	return New(Config{Source: wire.SourceID{1}, Node: "n", FlushEveryNS: second})
}

func sample(account uint64) Sample {
	return Sample{EntryKey: wire.EntryKey{Minute: 1, Account: account, Status: 200, Decision: wire.Allowed}, Cost: 2, BytesIn: 3, BytesOut: 4, DurationUS: 1500}
}

func decode(t testing.TB, s Send) *wire.Batch {
	t.Helper()
	b, err := wire.DecodeBatch(s.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b.Sequence != s.Sequence {
		t.Fatalf("batch %d is sent as %d", b.Sequence, s.Sequence)
	}
	return b
}

func next(t testing.TB, m *Meter, now int64) *wire.Batch {
	t.Helper()
	s, ok := m.Next(now, now/1_000_000, 0)
	if !ok {
		t.Fatalf("nothing to send after %d ms", now/1_000_000)
	}
	return decode(t, s)
}

func none(t testing.TB, m *Meter, now int64) {
	t.Helper()
	if s, ok := m.Next(now, 0, 0); ok {
		t.Fatalf("batch %d is sent after %d ms, want nothing", s.Sequence, now/1_000_000)
	}
}

func TestMeter(t *testing.T) {
	t.Run("adds up what has the same dimensions", func(t *testing.T) {
		m := newMeter()
		m.Count(sample(5))
		m.Count(sample(4))
		m.Count(sample(5))
		m.Observe(wire.Level{Account: 5, Limit: 1, Remaining: 9})
		m.Observe(wire.Level{Account: 5, Limit: 1, Remaining: 8})
		b := next(t, m, 0)
		if len(b.Entries) != 2 || b.Entries[0].Account != 4 || b.Entries[1].Requests != 2 || b.Entries[1].BytesOut != 8 || b.Entries[1].Cost != 4 || b.Entries[1].Latency.Count() != 2 {
			t.Errorf("entries %+v", b.Entries)
		}
		if diff := cmp.Diff([]wire.Level{{Account: 5, Limit: 1, Remaining: 8}}, b.Levels); diff != "" {
			t.Errorf("levels (-want +got):\n%s", diff)
		}
	})
	t.Run("sends one batch each flush interval, and one message at a time", func(t *testing.T) {
		m := newMeter()
		m.Count(sample(1))
		next(t, m, 0)
		m.Count(sample(1))
		none(t, m, 2*second)
		m.Received(1, wire.Receipt{Accepted: 1, Committed: 1}, 2*second)
		if b := next(t, m, 2*second); b.Sequence != 2 {
			t.Errorf("batch %d, want 2", b.Sequence)
		}
	})
	t.Run("while eight batches await their commit, the rest adds up", func(t *testing.T) {
		m := newMeter()
		for i := range int64(100) {
			m.Count(sample(1))
			if s, ok := m.Next(i*second, 0, 0); ok {
				m.Received(s.Sequence, wire.Receipt{Accepted: s.Sequence}, i*second)
			}
		}
		if requests, batches := m.Pending(); requests != 100 || batches != MaxFrozen {
			t.Errorf("%d requests and %d batches pending, want 100 and %d", requests, batches, MaxFrozen)
		}
		m.Received(0, wire.Receipt{Accepted: 8, Committed: 8}, 100*second)
		if b := next(t, m, 100*second); b.Sequence != 9 || b.Entries[0].Requests != 92 {
			t.Errorf("batch %d with %d requests, want 9 with 92", b.Sequence, b.Entries[0].Requests)
		}
	})
	t.Run("a new snapshot is reported at once", func(t *testing.T) {
		m := newMeter()
		s, ok := m.Next(0, 0, 7)
		if !ok || decode(t, s).Snapshot != 7 || s.Sequence != 0 {
			t.Fatalf("%+v, %v; want a heartbeat under snapshot 7", s, ok)
		}
		m.Received(0, wire.Receipt{}, 0)
		if _, ok := m.Next(0, 0, 7); ok {
			t.Error("it is reported twice")
		}
	})
	t.Run("a batch that the edge won't have waits, and the others go on", func(t *testing.T) {
		m := newMeter()
		m.Count(sample(1))
		next(t, m, 0)
		m.Failed(1, Rejected, 0, 0)
		m.Count(sample(1))
		if b := next(t, m, second); b.Sequence != 2 {
			t.Errorf("batch %d, want 2", b.Sequence)
		}
		m.Received(2, wire.Receipt{}, second)
		if b := next(t, m, 30*second); b.Sequence != 2 { // it has waited for longer
			t.Errorf("batch %d, want 2 again", b.Sequence)
		}
		m.Received(2, wire.Receipt{}, 30*second)
		if b := next(t, m, 31*second); b.Sequence != 1 {
			t.Errorf("batch %d, want 1 again", b.Sequence)
		}
	})
	t.Run("a call whose answer never comes is over after half a minute", func(t *testing.T) {
		m := newMeter()
		m.Count(sample(1))
		next(t, m, 0)
		none(t, m, 29*second)
		if b := next(t, m, 30*second); b.Sequence != 1 {
			t.Errorf("batch %d, want 1", b.Sequence)
		}
	})
	t.Run("refuses a receipt from the future", func(t *testing.T) {
		m := newMeter()
		m.Count(sample(1))
		next(t, m, 0)
		if err := m.Received(1, wire.Receipt{Accepted: 2, Committed: 2}, 0); err != ErrReceipt {
			t.Errorf("error %v, want %v", err, ErrReceipt)
		}
		if _, batches := m.Pending(); batches != 1 {
			t.Errorf("%d batches pending, want 1", batches)
		}
	})
	t.Run("sums stay within what a rollup can add up", func(t *testing.T) {
		m := newMeter()
		s := sample(1)
		s.BytesIn = math.MaxUint64
		m.Count(s)
		m.Count(s)
		if b := next(t, m, 0); b.Entries[0].BytesIn != 2*maxSample || b.Entries[0].Requests != 2 {
			t.Errorf("entry %+v", b.Entries[0])
		}
	})
}

// edge is a control plane whose log and answers may be lost.
type edge struct {
	bodies    map[uint64][]byte // ever seen, by sequence
	log       map[uint64]bool   // accepted, lost by a crash
	committed map[uint64]bool
}

func (e *edge) receipt() (r wire.Receipt) {
	for e.committed[r.Committed+1] {
		r.Committed++
	}
	r.Accepted = r.Committed
	for e.log[r.Accepted+1] || e.committed[r.Accepted+1] {
		r.Accepted++
	}
	return r
}

// Whatever is dropped, delayed, repeated or restarted: in the end every counted
// request is in exactly one committed batch, and none of them ever changed.
func TestEveryRequestIsCommittedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMeter()
		e := edge{map[uint64][]byte{}, map[uint64]bool{}, map[uint64]bool{}}
		counted, declared := map[wire.EntryKey]uint64{}, map[wire.MeterKey]uint64{}
		var now int64
		var late []Send // messages whose answer is still on its way
		see := func(s Send) {
			if s.Sequence == 0 {
				return
			}
			if old, ok := e.bodies[s.Sequence]; ok && !bytes.Equal(old, s.Body) {
				t.Fatalf("batch %d changed", s.Sequence)
			}
			e.bodies[s.Sequence] = s.Body
			e.log[s.Sequence] = true
		}
		step := func(healthy bool) {
			now += rapid.Int64Range(0, 3*second).Draw(t, "ns")
			s, ok := m.Next(now, now/1_000_000, uint64(now/(60*second)))
			if !ok {
				return
			}
			fate := 0
			if !healthy {
				fate = rapid.IntRange(0, 6).Draw(t, "fate")
			}
			switch fate {
			case 0:
				see(s)
				if err := m.Received(s.Sequence, e.receipt(), now); err != nil {
					t.Fatal(err)
				}
			case 1: // lost on the way
				m.Failed(s.Sequence, Unanswered, now, rapid.Uint32().Draw(t, "random"))
			case 2: // the answer is lost
				see(s)
				m.Failed(s.Sequence, Unanswered, now, 0)
			case 3: // the answer comes much later, or never
				see(s)
				late = append(late, s)
			case 4:
				m.Failed(s.Sequence, Rejected, now, 0)
			case 5: // repeated on the way
				see(s)
				see(s)
				m.Received(s.Sequence, e.receipt(), now)
				m.Received(s.Sequence, e.receipt(), now)
			case 6:
				see(s)
				m.Failed(s.Sequence, Unanswered, now, 0)
				m.Received(s.Sequence, e.receipt(), now)
			}
		}
		commit := func(all bool) {
			for n := range e.bodies {
				if e.log[n] && (all || n%3 != uint64(now)%3) {
					e.committed[n] = true
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"count": func(t *rapid.T) {
				s := sample(rapid.Uint64Range(0, 3).Draw(t, "account"))
				s.Minute = now / (60 * second)
				m.Count(s)
				counted[s.EntryKey]++
				k := wire.MeterKey{Minute: s.Minute, Account: s.Account, Meter: 1}
				m.Declare(k, 5)
				declared[k] += 5
			},
			"send":                          func(*rapid.T) { step(false) },
			"commit":                        func(*rapid.T) { commit(false) },
			"edge restarts without its log": func(*rapid.T) { clear(e.log) },
			"late answer": func(*rapid.T) {
				if len(late) > 0 {
					m.Received(late[0].Sequence, e.receipt(), now)
					late = late[1:]
				}
			},
		})
		for range 300 {
			commit(true)
			step(true)
			now += 5 * second
		}
		if requests, batches := m.Pending(); requests != 0 || batches != 0 {
			t.Fatalf("%d requests in %d batches are still pending", requests, batches)
		}
		total, amounts := map[wire.EntryKey]uint64{}, map[wire.MeterKey]uint64{}
		var sum uint64
		for _, n := range slices.Sorted(maps.Keys(e.committed)) {
			b, err := wire.DecodeBatch(e.bodies[n])
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range b.Entries {
				total[entry.EntryKey] += entry.Requests
				sum += entry.Requests
			}
			for _, entry := range b.Meters {
				amounts[entry.MeterKey] += entry.Amount
			}
			if b.Counted != sum {
				t.Fatalf("batch %d says that %d requests are in those up to it; there are %d", n, b.Counted, sum)
			}
		}
		if diff := cmp.Diff(counted, total); diff != "" {
			t.Fatalf("committed (-counted +committed):\n%s", diff)
		}
		if diff := cmp.Diff(declared, amounts); diff != "" {
			t.Fatalf("meters (-declared +committed):\n%s", diff)
		}
	})
}

func TestCountAllocatesNothingForKnownDimensions(t *testing.T) {
	m := newMeter()
	s := sample(1)
	m.Count(s)
	l := wire.Level{Account: 1, Limit: 2}
	m.Observe(l)
	if n := testing.AllocsPerRun(100, func() { m.Count(s); m.Observe(l) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkCount(b *testing.B) {
	m := newMeter()
	s := sample(1)
	for b.Loop() {
		m.Count(s)
	}
}
