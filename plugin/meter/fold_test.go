package meter

import (
	"testing"

	"github.com/weirhq/weir/plugin/wire"
)

// unfrozenSums adds up everything that is in no batch yet.
func unfrozenSums(t testing.TB, m *Meter) (s struct{ requests, shadowed, cost, in, out, duration, declared, amount, judged uint64 }) {
	t.Helper()
	add := func(b *wire.Batch) {
		for _, e := range b.Entries {
			s.requests, s.shadowed, s.cost = s.requests+e.Requests, s.shadowed+e.Shadowed, s.cost+e.Cost
			s.in, s.out, s.duration = s.in+e.BytesIn, s.out+e.BytesOut, s.duration+e.DurationUS
		}
		for _, e := range b.Meters {
			s.declared, s.amount = s.declared+e.Requests, s.amount+e.Amount
		}
		for _, e := range b.Verdicts {
			s.judged += e.Requests
		}
	}
	for _, c := range []*counts{&m.open, &m.ground.counts} {
		add(&wire.Batch{Entries: c.entries.entries, Meters: c.declared.all, Verdicts: c.verdicts.all})
	}
	for _, r := range m.shelf.runs {
		b, err := wire.DecodeCounts(r.body, true)
		if err != nil {
			t.Fatal(err)
		}
		add(b)
	}
	return s
}

// shelved is a meter with two runs of some minutes, the first of them large.
func shelved() *Meter {
	m := newMeter()
	for i := range uint64(6000) {
		k := wire.EntryKey{Minute: 31 + int64(i/4000), Account: 1 + i%500, Key: 1 + i%1000, Endpoint: 1 + i%3, Tier: 1 + i%500%3,
			Status: uint16(200 + i%2), Decision: wire.Allowed}
		for d := range uint64(4) {
			m.Count(Sample{EntryKey: k, Shadowed: d == 0, Cost: 2, BytesIn: 3, BytesOut: 4, DurationUS: 1000 << d})
		}
		m.Declare(wire.MeterKey{Minute: k.Minute, Account: k.Account, Key: k.Key, Endpoint: k.Endpoint, Tier: k.Tier, Meter: 7}, i)
		m.Judge(wire.VerdictEntry{VerdictKey: wire.VerdictKey{Minute: k.Minute, Account: k.Account, Limit: 5, Verdict: wire.Over}, Requests: 1, Amount: 1})
	}
	for !m.open.empty() {
		m.shelve()
	}
	return m
}

func TestFoldGivesUpTheLeastDetailAndNoSum(t *testing.T) {
	m := shelved()
	want := unfrozenSums(t, m)
	requests, _ := m.Pending()
	for steps := 0; len(m.shelf.runs) > 0; steps++ {
		if steps > 100 {
			t.Fatal("folding doesn't end")
		}
		m.fold()
		if got := unfrozenSums(t, m); got != want {
			t.Fatalf("after %d steps %+v, want %+v", steps+1, got, want)
		}
		if n, _ := m.Pending(); n != requests || n != want.requests {
			t.Fatalf("after %d steps %d requests are pending, want %d", steps+1, n, requests)
		}
		bytes := 0
		for i, r := range m.shelf.runs {
			bytes += len(r.body) + runBytes
			b, err := wire.DecodeCounts(r.body, true)
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 && r.detail > m.shelf.runs[i-1].detail {
				t.Errorf("run %d tells less apart than the older one before it", i)
			}
			for _, e := range b.Entries {
				kept := [...]bool{len(e.Latency) > 0, e.Key != 0 && e.Endpoint != 0, e.Tier != 0 && e.Status != 0}
				for level, has := range kept {
					if has != (int(r.detail) <= level) {
						t.Fatalf("after %d steps an entry of detail %d is %+v", steps+1, r.detail, e)
					}
				}
			}
		}
		if bytes != m.shelf.bytes {
			t.Fatalf("the shelf says %d bytes, and has %d", m.shelf.bytes, bytes)
		}
	}
	if n := len(m.ground.entries.entries); n != 500 {
		t.Errorf("%d entries on the ground, want one for each of 500 accounts", n)
	}
	for _, e := range m.ground.entries.entries {
		if e.Minute != 30 || e.Account == 0 {
			t.Fatalf("entry %+v, want the quarter of an hour from minute 30 on and an account", e.EntryKey)
		}
	}
	if m.Lost()|m.LostVerdicts() != 0 {
		t.Errorf("%d and %d lost", m.Lost(), m.LostVerdicts())
	}
}

func TestGroundGivesUpTheQuarterBeforeTheAccount(t *testing.T) {
	m := newMeter()
	bury := func(quarter int64, accounts uint64) {
		b := &wire.Batch{}
		for a := range accounts {
			b.Entries = append(b.Entries, wire.Entry{EntryKey: wire.EntryKey{Minute: quarter * groundMinutes, Account: a + 1, Decision: wire.Allowed}, Requests: 1})
		}
		m.ground.bury(b)
	}
	const accounts = maxQuarterEntries - 5000
	bury(1, accounts)
	bury(2, accounts)
	if n := len(m.ground.entries.entries); n != maxQuarterEntries {
		t.Fatalf("%d entries, want %d", n, maxQuarterEntries)
	}
	for _, e := range m.ground.entries.entries {
		if e.Account == 0 {
			t.Fatalf("entry %+v has lost its account", e.EntryKey)
		}
	}
	bury(3, 2*maxGroundEntries)
	if n := len(m.ground.entries.entries); n > maxGroundEntries+256 {
		t.Errorf("%d entries, want at most %d", n, maxGroundEntries+256)
	}
	if got := unfrozenSums(t, m); got.requests != 2*accounts+2*maxGroundEntries {
		t.Errorf("%d requests, want %d", got.requests, 2*accounts+2*maxGroundEntries)
	}
}

// An edge that comes and goes in the middle of it all gets each request once.
func TestShelfAndGroundDrainWhileUsageGoesOn(t *testing.T) {
	m, e := shelved(), newFarEdge()
	for range 10 {
		m.fold()
	}
	e.away = false
	for now := int64(0); now < 30*second; now += second / 10 {
		m.Count(sample(uint64(now)))
		if now%second == 0 {
			e.committed = e.accepted
		}
		e.tick(t, m, now)
	}
	e.drain(t, m, 30*second)
	var got uint64
	for _, b := range e.batches {
		got += requestsOf(b)
	}
	if got != m.counted || got != 6000*4+300 {
		t.Errorf("%d requests arrived, %d were counted, want %d", got, m.counted, 6000*4+300)
	}
}
