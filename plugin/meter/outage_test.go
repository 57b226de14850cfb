package meter

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// maxLiveBytes is what doc.go promises.
const maxLiveBytes = 64 << 20

// liveBytes is what the heap holds after a collection.
func liveBytes() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// farEdge is an edge in virtual time: away until it is back, then it answers at
// once and commits each second.
type farEdge struct {
	away      bool
	accepted  uint64
	committed uint64
	batches   map[uint64]*wire.Batch
	largest   int
}

// tick calls Next as the filter does: once, and again after each answer. It
// returns what the longest of the calls took.
func (e *farEdge) tick(t testing.TB, m *Meter, now int64) (longest time.Duration) {
	for {
		began := time.Now()
		s, ok := m.Next(now, now/1_000_000, 1)
		longest = max(longest, time.Since(began))
		if !ok {
			return longest
		}
		if e.away {
			m.Failed(s.Sequence, Unanswered, now, uint32(now))
			return longest
		}
		if s.Sequence != 0 {
			e.largest = max(e.largest, len(s.Body))
			e.batches[s.Sequence] = decode(t, s)
			e.accepted = max(e.accepted, s.Sequence)
		}
		if err := m.Received(s.Sequence, wire.Receipt{Accepted: e.accepted, Committed: e.committed}, now); err != nil {
			t.Fatal(err)
		}
	}
}

// drain lets the edge commit what it has each second, until the meter is empty,
// and returns the virtual time that took.
func (e *farEdge) drain(t testing.TB, m *Meter, from int64) (took int64) {
	e.away = false
	for now := from; ; now += second / 10 {
		if (now-from)%second == 0 {
			e.committed = e.accepted
		}
		e.tick(t, m, now)
		if requests, batches := m.Pending(); requests == 0 && batches == 0 {
			return now - from
		}
		if now-from > 3600*second {
			t.Fatal("it never drains")
		}
	}
}

func newFarEdge() *farEdge { return &farEdge{away: true, batches: map[uint64]*wire.Batch{}} }

// An hour of one of four workers that share 20,000 requests a second.
func TestOutageOfAnHourIsExact(t *testing.T) {
	const minutes, accounts, endpoints, statuses, perTick = 60, 1000, 3, 2, 500
	type counts struct{ requests, shadowed, cost, in, out, duration, declared uint64 }
	type minute [accounts][endpoints][statuses]counts
	want := make([]minute, minutes)
	before := liveBytes()
	m, e := newMeter(), newFarEdge()
	random := rand.New(rand.NewPCG(1, 2))
	var longest time.Duration
	now := int64(0)
	for ; now < minutes*60*second; now += second / 10 {
		at := now / (60 * second)
		for range perTick {
			n := random.Uint64()
			account, endpoint, status := n%accounts, n>>16%endpoints, n>>24%10/9
			s := Sample{EntryKey: wire.EntryKey{Minute: at, Account: 1 + account, Key: 5000 + account, Endpoint: 1 + endpoint, Tier: 1 + account%3,
				Status: uint16(200 + 204*status), Decision: wire.Allowed},
				Shadowed: n>>40%16 == 0, Cost: 1 + endpoint, BytesIn: 200 + n>>30%64, BytesOut: n >> 32 % 20_000,
				DurationUS: 300 + uint64(random.ExpFloat64()*4000)}
			m.Count(s)
			c := &want[at][account][endpoint][status]
			c.requests, c.cost, c.in, c.out, c.duration = c.requests+1, c.cost+s.Cost, c.in+s.BytesIn, c.out+s.BytesOut, c.duration+s.DurationUS
			if s.Shadowed {
				c.shadowed++
			}
			if endpoint == 2 {
				m.Declare(wire.MeterKey{Minute: at, Account: 1 + account, Key: 5000 + account, Endpoint: 3, Tier: 1 + account%3, Meter: 9}, s.BytesOut)
				c.declared += s.BytesOut
			}
		}
		longest = max(longest, e.tick(t, m, now))
	}
	live := int64(liveBytes()) - int64(before)
	t.Logf("live %d kB, shelf %d kB in %d runs, ground %d; the longest call of Next took %v",
		live>>10, m.shelf.bytes>>10, len(m.shelf.runs), len(m.ground.entries.entries), longest)
	if live > maxLiveBytes {
		t.Errorf("%d bytes are held, want at most %d", live, maxLiveBytes)
	}
	counted := m.counted
	took := e.drain(t, m, now)
	t.Logf("%d batches, the largest of %d kB, drained in %d ms", len(e.batches), e.largest>>10, took/1_000_000)
	if took >= 60*second {
		t.Errorf("draining takes %d s, want less than a minute", took/second)
	}
	var durations uint64
	for _, b := range e.batches {
		for _, x := range b.Entries {
			at := int64(x.Account - 1)
			if x.Key != uint64(5000+at) || x.Tier != uint64(1+at%3) {
				t.Fatalf("entry %+v lost its key or tier", x.EntryKey)
			}
			c := &want[x.Minute][at][x.Endpoint-1][(x.Status-200)/204]
			c.requests, c.shadowed, c.cost = c.requests-x.Requests, c.shadowed-x.Shadowed, c.cost-x.Cost
			c.in, c.out, c.duration = c.in-x.BytesIn, c.out-x.BytesOut, c.duration-x.DurationUS
			durations += x.Latency.Count()
		}
		for _, x := range b.Meters {
			for s := range statuses { // a meter doesn't tell statuses apart
				c := &want[x.Minute][x.Account-1][x.Endpoint-1][s]
				part := min(c.declared, x.Amount)
				c.declared, x.Amount = c.declared-part, x.Amount-part
			}
			if x.Amount != 0 {
				t.Fatalf("meter %+v has %d units too many", x.MeterKey, x.Amount)
			}
		}
	}
	for at := range want {
		if want[at] != (minute{}) {
			t.Fatalf("minute %d differs", at)
		}
	}
	if last := e.batches[e.accepted]; last.Counted != counted || counted != minutes*60*10*perTick {
		t.Errorf("the last batch says %d were counted, want %d", last.Counted, counted)
	}
	t.Logf("%d%% of the durations are still in a histogram", 100*durations/counted)
}

// All that a VM may be asked to count, of everything as much and as wide as goes.
func TestMemoryStaysBounded(t *testing.T) {
	before := liveBytes()
	m, e := newMeter(), newFarEdge()
	random := rand.New(rand.NewPCG(1, 2))
	wide := func() uint64 { return wire.MaxNumber - random.Uint64N(1<<50) }
	var counted, declared, judged, shadowed uint64
	var now int64
	var most int64
	for step := range 80 {
		for range 9000 {
			k := wire.EntryKey{Minute: wire.MaxTimeMS/60_000 - 5000 + now/(60*second), Account: wide(), Key: wide(), Endpoint: wide(), Tier: wide(),
				Status: uint16(100 + random.IntN(500)), Decision: wire.Decision(1 + random.IntN(5))}
			for range 1 + random.IntN(6) {
				m.Count(Sample{EntryKey: k, Shadowed: true, Cost: 1, BytesIn: 1 << 30, BytesOut: 1 << 30, DurationUS: random.Uint64N(wire.MaxLatencyUS) >> random.IntN(32)})
				counted++
				shadowed++
			}
			m.Declare(wire.MeterKey{Minute: k.Minute, Account: k.Account, Key: k.Key, Endpoint: k.Endpoint, Tier: k.Tier, Meter: 1 + wide()%32}, 1e12)
			declared++
			m.Judge(wire.VerdictEntry{VerdictKey: wire.VerdictKey{Minute: k.Minute, Account: k.Account, Limit: 1 + wide()%512, Verdict: wire.Denied}, Requests: 1, Amount: 1 << 40})
			judged++
			m.Observe(wire.Level{Account: k.Account, Limit: wide(), Key: k.Key, Remaining: -1 << 62, AtMS: wire.MaxTimeMS})
			if m.WantsDenial(k.Account) {
				m.Deny(wire.Denial{RequestID: string(make([]byte, wire.MaxRequestIDBytes)), Decision: wire.Throttled, Path: "/p"})
			}
		}
		m.denials.take() // no control characters are encoded
		e.tick(t, m, now)
		now += 50 * second
		if step%10 == 9 {
			most = max(most, int64(liveBytes())-int64(before))
		}
	}
	t.Logf("live %d kB at most; shelf %d kB, ground %d entries, %d meters, %d verdicts; %d frozen bytes", most>>10, m.shelf.bytes>>10,
		len(m.ground.entries.entries), len(m.ground.declared.all), len(m.ground.verdicts.all), len(m.outbox.frozen[0].body))
	if most > maxLiveBytes {
		t.Errorf("%d bytes are held, want at most %d", most, maxLiveBytes)
	}
	took := e.drain(t, m, now)
	for _, b := range e.batches {
		for _, x := range b.Entries {
			counted, shadowed = counted-x.Requests, shadowed-x.Shadowed
		}
		for _, x := range b.Meters {
			declared -= x.Requests
		}
		for _, x := range b.Verdicts {
			judged -= x.Requests
		}
	}
	if counted|declared|judged|shadowed|m.LostVerdicts()|m.Lost() != 0 {
		t.Errorf("%d requests, %d shadowed, %d declarations and %d verdicts didn't arrive; %d and %d lost", counted, shadowed, declared, judged, m.LostVerdicts(), m.Lost())
	}
	t.Logf("%d batches, the largest of %d kB, drained in %d ms", len(e.batches), e.largest>>10, took/1_000_000)
	e.batches = nil
	rest := int64(liveBytes()) - int64(before)
	t.Logf("live %d kB after draining", rest>>10)
	if rest > maxLiveBytes/16 {
		t.Errorf("%d bytes are still held when all is committed", rest)
	}
	runtime.KeepAlive(m)
}
