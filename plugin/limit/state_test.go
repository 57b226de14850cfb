package limit

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestStateBytesAreGolden(t *testing.T) {
	a := newAccount(t, -3, every()...)
	a.ask(1_234_567_891, 3)
	a.grant(1_234_567_891, Lease{Limit: 19, Start: 0, End: 9, Granted: 7, Remaining: 5, NextStart: 9, NextEnd: 20, NextGranted: 1})
	a.ask(1_234_567_899, 1)
	got := []byte(hex.EncodeToString(a.state) + "\n")
	path := filepath.Join("testdata", "state.hex")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the format changed; raise its number, then run go test -update")
	}
}

func TestMalformedStateIsRefused(t *testing.T) {
	rules := []Rule{perMinute(1, 10), perMinute(2, 10), {ID: 3, Kind: Window, Amount: 5, PeriodSeconds: 60}, {ID: 4, Kind: Quota, Amount: 5}}
	put := func(at int, v uint64) func([]byte) []byte {
		return func(s []byte) []byte { binary.LittleEndian.PutUint64(s[at:], v); return s }
	}
	const slot = headerBytes + plainRateBytes
	const window = slot + plainRateBytes
	quotaSlot := window + rules[2].slotBytes()
	tests := map[string]func([]byte) []byte{
		"shorter than a header": func(s []byte) []byte { return s[:headerBytes-1] },
		"truncated":             func(s []byte) []byte { return s[:len(s)-1] },
		"one byte too long":     func(s []byte) []byte { return append(s, 0) },
		"foreign":               func(s []byte) []byte { return bytes.Repeat([]byte("a"), len(s)) },
		"another format":        func(s []byte) []byte { s[3]++; return s },
		"more slots than bytes": func(s []byte) []byte { s[4]++; return s },
		"too many slots":        put(0, magic|(MaxRules+1)<<32),
		"unknown kind":          func(s []byte) []byte { s[slot+8] = 3; return s },
		"unknown measure":       func(s []byte) []byte { s[slot+9] = 3; return s },
		"unknown mode":          func(s []byte) []byte { s[slot+10] = 3; return s },
		"unknown flag":          func(s []byte) []byte { s[slot+11] = 4; return s },
		"above the burst":       put(slot+atTokens, 11),
		"debt beyond bound":     put(slot+atTokens, 1<<63),
		"fraction of a full":    put(slot+atFraction, 1),
		"fraction of a period":  put(slot+atFraction, 60*second),
		"amount 0":              put(slot+16, 0),
		"burst 0":               put(slot+24, 0),
		"grace of a hard limit": put(slot+32, 1),
		"period 0":              put(slot+8, 0),
		"a count beyond bound":  put(window+atRing+8, maxCount+1),
		"used beyond bound":     put(quotaSlot+ruleBytes+32, maxCount+1),
		"spent neither way":     put(quotaSlot+ruleBytes+104, 2),
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			state := damage(mustSeed(t, 5, 0, rules...))
			refused := 0
			for _, version := range []uint64{4, 5, 6} {
				next, d, err := Decide(nil, state, Request{Version: version, Applies: 15, Take: [Measures]uint64{1}}, rules, nil)
				if err == nil {
					continue // under a newer snapshot a slot of another kind begins anew
				}
				refused++
				if !errors.Is(err, ErrMalformed) || next != nil || d.Allowed || d.Changed {
					t.Errorf("version %d: got %+v, %v", version, d, err)
				}
			}
			if refused == 0 {
				t.Error("it was taken")
			}
		})
	}
}

func TestRulesOutOfBoundsAreRefused(t *testing.T) {
	good := perMinute(1, 10)
	with := func(change func(*Rule)) []Rule {
		r := good
		change(&r)
		return []Rule{r}
	}
	tests := map[string]struct {
		rules   []Rule
		applies uint64
	}{
		"no id":             {with(func(r *Rule) { r.ID = 0 }), 1},
		"unknown kind":      {with(func(r *Rule) { r.Kind = 3 }), 1},
		"unknown measure":   {with(func(r *Rule) { r.Measure = 3 }), 1},
		"unknown mode":      {with(func(r *Rule) { r.Mode = 3 }), 1},
		"no amount":         {with(func(r *Rule) { r.Amount = 0 }), 1},
		"amount too large":  {with(func(r *Rule) { r.Amount = MaxAmount + 1 }), 1},
		"no burst":          {with(func(r *Rule) { r.Burst = 0 }), 1},
		"burst too large":   {with(func(r *Rule) { r.Burst = MaxAmount + 1 }), 1},
		"no period":         {with(func(r *Rule) { r.PeriodSeconds = 0 }), 1},
		"period too long":   {with(func(r *Rule) { r.PeriodSeconds = MaxPeriodSeconds + 1 }), 1},
		"grace too high":    {with(func(r *Rule) { r.Mode, r.GracePercent = Soft, MaxGracePercent+1 }), 1},
		"grace too long":    {with(func(r *Rule) { r.Mode, r.GraceSeconds = Soft, MaxGraceSeconds+1 }), 1},
		"same id twice":     {[]Rule{good, good}, 1},
		"too many":          {make([]Rule, MaxRules+1), 1},
		"applies past last": {[]Rule{good}, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, version := range []uint64{4, 5, 6} {
				state := mustSeed(t, 5, 0, good)
				next, d, err := Decide(nil, state, Request{Version: version, Applies: tt.applies, Take: [Measures]uint64{1}}, tt.rules, nil)
				if !errors.Is(err, ErrRule) || next != nil || d.Allowed {
					t.Errorf("version %d: got %v, %v", version, d, err)
				}
			}
			if tt.applies == 1 {
				if _, err := Seed(nil, 1, 0, 0, tt.rules, 0); !errors.Is(err, ErrRule) {
					t.Errorf("Seed: got %v", err)
				}
			}
		})
	}
}

func FuzzState(f *testing.F) {
	rules := every()
	f.Add(mustSeed(f, 5, 0, rules...), uint64(5), int64(7), int64(3), uint64(math.MaxUint64>>37), uint64(1), int64(-3))
	f.Add(mustSeed(f, 5, math.MinInt64, rules...), uint64(6), int64(math.MaxInt64), int64(math.MaxInt64), uint64(2), uint64(MaxAmount), int64(math.MinInt64))
	f.Add(mustSeed(f, 5, math.MaxInt64, rules[9:12]...), uint64(4), int64(math.MinInt64), int64(math.MinInt64), uint64(1), uint64(math.MaxUint64), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, state []byte, version uint64, now, wall int64, applies, take uint64, delta int64) {
		given := bytes.Clone(state)
		req := Request{Version: version, Now: now, Wall: wall, Applies: applies, Take: [Measures]uint64{take, 0, take}}
		known := func(err error) {
			if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrRule) {
				t.Fatalf("an error of another kind: %v", err)
			}
		}
		next, d, err := Decide(nil, state, req, rules, nil)
		known(err)
		if err == nil {
			if !d.Changed && !bytes.Equal(next, state) {
				t.Fatal("the state changed and Changed is false")
			}
			if d.Allowed == (d.By >= 0) || d.Allowed != (d.RetryAfterNS == 0) || d.RetryAfterNS < 0 || d.Allowed != (d.Denied == 0) {
				t.Fatalf("a decision that contradicts itself: %+v", d)
			}
			if len(next) > 0 {
				if _, _, err := Decide(nil, next, req, rules, nil); err != nil {
					t.Fatalf("the next state is refused: %v", err)
				}
			}
		}
		s := Settlement{Version: version, Now: now, Wall: wall, Applies: applies, Over: take, At: now, AtWall: wall, Delta: [Measures]int64{delta, delta, delta}}
		next, changed, err := Settle(nil, state, s, rules)
		known(err)
		if err == nil && !changed && !bytes.Equal(next, state) {
			t.Fatal("Settle changed the state and says that it didn't")
		}
		_, _, err = Grant(nil, state, req, []Lease{{Limit: 19, Start: min(now, math.MaxInt64-1), End: math.MaxInt64, Granted: 5}}, rules)
		known(err)
		_, err = Holdings(nil, state, req)
		known(err)
		Idle(state, req, rules)
		if !bytes.Equal(given, state) {
			t.Fatal("the state given was written to")
		}
	})
}

func FuzzSet(f *testing.F) {
	rules := manyRules(1)
	set, _ := Store(nil, nil, Place{hash: 3}, mustSeed(f, 1, 0, rules...))
	f.Add(set, uint64(3), int64(0))
	f.Fuzz(func(t *testing.T, set []byte, hash uint64, now int64) {
		state, p, err := Locate(nil, set, hash, Request{Version: 1, Now: now}, rules)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		next, err := Store(nil, set, p, state)
		if err != nil {
			t.Fatal(err)
		}
		if again, q, err := Locate(nil, next, hash, Request{Version: 1, Now: now}, rules); err != nil || !p.Shared && (q.way != p.way || !bytes.Equal(again, state)) {
			t.Fatalf("stored at %+v, found at %+v, %v", p, q, err)
		}
	})
}
