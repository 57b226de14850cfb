package limit

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// addresses is one set of the table and who asks of it.
type addresses struct {
	t       testing.TB
	set     []byte
	rules   []Rule
	version uint64
}

func (s *addresses) ask(hash uint64, now int64) (Decision, Place) {
	s.t.Helper()
	req := Request{Version: s.version, Now: now, Applies: 1<<len(s.rules) - 1, Take: [Measures]uint64{1, 0, 1}}
	state, p, err := Locate(nil, s.set, hash, req, s.rules)
	if err != nil {
		s.t.Fatal(err)
	}
	next, d, err := Decide(nil, state, req, s.rules, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if d.Changed {
		if s.set, err = Store(nil, s.set, p, next); err != nil {
			s.t.Fatal(err)
		}
	}
	return d, p
}

func (s *addresses) settle(hash uint64, at, now int64, delta int64) {
	s.t.Helper()
	req := Request{Version: s.version, Now: now}
	state, p, err := Locate(nil, s.set, hash, req, s.rules)
	if err != nil {
		s.t.Fatal(err)
	}
	if p.Shared && delta < 0 {
		return
	}
	next, changed, err := Settle(nil, state, Settlement{Version: s.version, Now: now, At: at,
		Applies: 1<<len(s.rules) - 1, Delta: [Measures]int64{delta}}, s.rules)
	if err != nil {
		s.t.Fatal(err)
	}
	if changed {
		if s.set, err = Store(nil, s.set, p, next); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestEvictionGivesNoFullBucket has the bug of a small table that forgot who had
// used up its bucket.
func TestEvictionGivesNoFullBucket(t *testing.T) {
	s := &addresses{t: t, rules: []Rule{perMinute(1, 5)}, version: 1}
	for range 20 {
		s.ask(1, 0)
	}
	for hash := uint64(2); hash < 100; hash++ {
		for range 3 {
			s.ask(hash, second)
		}
	}
	if d, _ := s.ask(1, 2*second); d.Allowed {
		t.Error("an address came back with a full bucket")
	}
	if most := MaxSetBytes(StateBytes(s.rules)); len(s.set) > most {
		t.Errorf("a set of %d bytes, the most is %d", len(s.set), most)
	}
}

func TestIdleWayIsTakenOver(t *testing.T) {
	s := &addresses{t: t, rules: []Rule{perMinute(1, 5)}, version: 1}
	for hash := range uint64(Ways) {
		s.ask(hash, 0)
	}
	if _, p := s.ask(20, 0); !p.Shared || p.way != 20%Ways {
		t.Errorf("got %+v, want the way that the hash picks, shared", p)
	}
	if _, p := s.ask(30, 100*second); p.Shared {
		t.Errorf("got %+v, want a way of its own, for all are idle", p)
	}
}

func TestSharedStateIsTakenAlong(t *testing.T) {
	slow := Rule{ID: 1, Amount: 1, Burst: 4, PeriodSeconds: 86400}
	s := &addresses{t: t, rules: []Rule{slow}, version: 1}
	for hash := range uint64(Ways) {
		s.ask(hash, 0)
	}
	for range 10 {
		s.ask(8, 0) // shares way 0, and uses it up
	}
	// Way 3 becomes idle by a settlement that nobody could expect.
	ways, _ := readSet(s.set)
	s.set, _ = Store(nil, s.set, Place{hash: 3, way: 3}, bytes.Clone(mustSeed(t, 1, 0, slow)))
	if d, p := s.ask(8, 0); d.Allowed || p.Shared {
		t.Errorf("got %+v at %+v of %d ways, want a way of its own with nothing left", d, p, ways.n)
	}
}

// TestNoAddressGetsMoreThanItsOwn runs many addresses over one set and checks each
// of them by itself.
func TestNoAddressGetsMoreThanItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := []Rule{
			{ID: 1, Refund: rapid.Bool().Draw(t, "refund"), Amount: rapid.Uint64Range(1, 5).Draw(t, "amount"),
				Burst: rapid.Uint64Range(1, 4).Draw(t, "burst"), PeriodSeconds: 1},
			{ID: 2, Kind: Window, Refund: true, Amount: rapid.Uint64Range(1, 8).Draw(t, "most"), PeriodSeconds: 2},
		}
		s := &addresses{t: &testing.T{}, rules: rules, version: 1}
		type admission struct {
			at  int64
			net int64
		}
		history := map[uint64][]*admission{}
		now := int64(0)
		for range rapid.IntRange(1, 300).Draw(t, "requests") {
			now += rapid.OneOf(rapid.Just[int64](0), rapid.Int64Range(0, second/2), rapid.Int64Range(0, 3*second)).Draw(t, "step")
			hash := rapid.Uint64Range(0, 19).Draw(t, "address")
			past := history[hash]
			if n := len(past); n > 0 && rapid.IntRange(0, 4).Draw(t, "fails") == 0 && past[n-1].net == 1 && rules[0].Refund {
				s.settle(hash, past[n-1].at, now, -1)
				past[n-1].net = 0
			} else if d, _ := s.ask(hash, now); d.Allowed {
				history[hash] = append(past, &admission{now, 1})
			}
		}
		for hash, all := range history {
			for _, r := range rules {
				c := newChecker(r, 0)
				for _, a := range all {
					if !c.admit(a.at, a.net, a.net, false) {
						t.Fatalf("address %d got more than %+v allows", hash, r)
					}
				}
			}
		}
	})
}
