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
	a := newAccount(t, -3, perMinute(1, 100), Rule{ID: math.MaxUint64, Amount: MaxAmount, Burst: 7, PeriodSeconds: 86400})
	a.ask(1_234_567_891, 3)
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
		t.Errorf("the format changed; raise its number, then run go test -update\ngot  %swant %s", got, want)
	}
}

func TestMalformedStateIsRefused(t *testing.T) {
	rules := []Rule{perMinute(1, 10), perMinute(2, 10)}
	put := func(at int, v uint64) func([]byte) []byte {
		return func(s []byte) []byte { binary.LittleEndian.PutUint64(s[at:], v); return s }
	}
	const slot = headerBytes + slotBytes
	tests := map[string]func([]byte) []byte{
		"empty":                 func([]byte) []byte { return nil },
		"shorter than a header": func(s []byte) []byte { return s[:headerBytes-1] },
		"truncated":             func(s []byte) []byte { return s[:len(s)-1] },
		"one byte too long":     func(s []byte) []byte { return append(s, 0) },
		"foreign":               func(s []byte) []byte { return bytes.Repeat([]byte("a"), len(s)) },
		"another format":        func(s []byte) []byte { s[3]++; return s },
		"more slots than bytes": func(s []byte) []byte { s[4]++; return s },
		"too many slots": func(s []byte) []byte {
			return append(put(0, magic|(MaxRules+1)<<32)(s), make([]byte, (MaxRules-1)*slotBytes)...)
		},
		"above the burst":       put(slot+8, 11),
		"debt beyond bound":     put(slot+8, 1<<63),
		"fraction of a full":    put(slot+16, 1),
		"fraction of a period":  put(slot+16, 60*second),
		"amount 0":              put(slot+32, 0),
		"burst 0":               put(slot+40, 0),
		"period 0":              put(slot+48, 0),
		"period with high bits": put(slot+48, 60|1<<32),
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			state := damage(mustSeed(t, 5, 0, rules...))
			for _, version := range []uint64{4, 5, 6} {
				next, d, err := Decide(nil, state, Request{version, 0, 3, 1}, rules, nil)
				if !errors.Is(err, ErrMalformed) || next != nil || d.Allowed || d.Changed {
					t.Errorf("version %d: got %+v, %v", version, d, err)
				}
			}
		})
	}
}

func FuzzDecide(f *testing.F) {
	rules := []Rule{perMinute(1, 10), {ID: 2, Amount: MaxAmount, Burst: MaxAmount, PeriodSeconds: 1}}
	f.Add(mustSeed(f, 5, 0, rules...), uint64(5), int64(7), uint64(3), uint64(1))
	f.Add(mustSeed(f, 5, math.MinInt64, rules...), uint64(6), int64(math.MaxInt64), uint64(2), uint64(MaxAmount))
	f.Add(mustSeed(f, 5, math.MaxInt64, rules[1]), uint64(4), int64(math.MinInt64), uint64(1), uint64(1))
	f.Fuzz(func(t *testing.T, state []byte, version uint64, now int64, applies, cost uint64) {
		given := bytes.Clone(state)
		next, d, err := Decide(nil, state, Request{version, now, applies, cost}, rules, nil)
		if !bytes.Equal(given, state) {
			t.Fatal("Decide wrote to the state it was given")
		}
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrRule) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if !d.Changed && !bytes.Equal(next, state) {
			t.Fatal("the state changed and Changed is false")
		}
		if d.Allowed == (d.By >= 0) || d.Allowed != (d.RetryAfterNS == 0) || d.RetryAfterNS < 0 {
			t.Fatalf("a decision that contradicts itself: %+v", d)
		}
		if _, _, err := Decide(nil, next, Request{version, now, applies, cost}, rules, nil); err != nil {
			t.Fatalf("the next state is refused: %v", err)
		}
	})
}

func manyRules(n int) []Rule {
	rules := make([]Rule, n)
	for i := range rules {
		rules[i] = Rule{uint64(i + 1), 1_000_000, 1_000_000, 60}
	}
	return rules
}

func TestDecideAllocatesNothing(t *testing.T) {
	rules := manyRules(MaxRules)
	state, spare := mustSeed(t, 1, 0, rules...), make([]byte, 0, MaxStateBytes)
	levels := make([]Level, 0, MaxRules)
	now := int64(0)
	cases := map[string]Request{
		"allowed": {Version: 1, Applies: math.MaxUint64, Cost: 1},
		"denied":  {Version: 1, Applies: math.MaxUint64, Cost: 2_000_000},
		"behind":  {Version: 0, Applies: math.MaxUint64, Cost: 1},
		"adopted": {Version: 2, Applies: math.MaxUint64, Cost: 1},
	}
	for name, req := range cases {
		t.Run(name, func(t *testing.T) {
			if n := testing.AllocsPerRun(100, func() {
				now += 1000
				req.Now = now
				if _, _, err := Decide(spare, state, req, rules, levels); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	for name, n := range map[string]int{"1 slot": 1, "3 slots": 3, "30 slots": 30} {
		b.Run(name, func(b *testing.B) {
			rules := manyRules(n)
			state, spare := mustSeed(b, 1, 0, rules...), make([]byte, 0, MaxStateBytes)
			levels := make([]Level, 0, MaxRules)
			req := Request{Version: 1, Applies: 1<<n - 1, Cost: 1}
			b.ReportAllocs()
			for b.Loop() {
				req.Now += 100_000
				next, d, err := Decide(spare, state, req, rules, levels)
				if err != nil || !d.Allowed {
					b.Fatal(err, d)
				}
				state, spare = next, state
			}
		})
	}
	b.Run("3 of 30 slots", func(b *testing.B) {
		rules := manyRules(30)
		state, spare := mustSeed(b, 1, 0, rules...), make([]byte, 0, MaxStateBytes)
		levels := make([]Level, 0, MaxRules)
		req := Request{Version: 1, Applies: 1 | 1<<10 | 1<<20, Cost: 1}
		b.ReportAllocs()
		for b.Loop() {
			req.Now += 100_000
			next, _, err := Decide(spare, state, req, rules, levels)
			if err != nil {
				b.Fatal(err)
			}
			state, spare = next, state
		}
	})
}
