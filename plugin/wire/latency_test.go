package wire

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLatencyBucketsAreGolden(t *testing.T) {
	var out strings.Builder
	for i := range MaxLatencyIndex() + 1 {
		out.WriteString(strconv.Itoa(int(i)) + " " + strconv.FormatUint(LatencyUpper(i), 10) + "\n")
	}
	golden(t, "latency.txt", []byte(out.String()))
}

func TestEveryDurationIsWithinTwoPercent(t *testing.T) {
	check := func(us uint64) {
		i := LatencyIndex(us)
		if us > LatencyUpper(i) || i > 0 && us <= LatencyUpper(i-1) {
			t.Fatalf("%d µs is in bucket %d, which ends at %d", us, i, LatencyUpper(i))
		}
		if off := math.Abs(LatencyValue(i) - float64(us)); off > 0.02*float64(us)*(1+1e-12) {
			t.Fatalf("%d µs is represented as %v", us, LatencyValue(i))
		}
	}
	for us := range uint64(1_000_000) {
		check(us)
	}
	for i := range MaxLatencyIndex() {
		check(LatencyUpper(i))
		check(LatencyUpper(i) + 1)
	}
	check(MaxLatencyUS)
}

func TestLatencyIsBounded(t *testing.T) {
	last := MaxLatencyIndex()
	if last >= 600 {
		t.Errorf("%d buckets", last)
	}
	for _, us := range []uint64{MaxLatencyUS, MaxLatencyUS + 1, math.MaxUint64} {
		if i := LatencyIndex(us); i != last {
			t.Errorf("%d µs is in bucket %d, want the last, %d", us, i, last)
		}
	}
	if LatencyUpper(math.MaxUint16) != MaxLatencyUS || LatencyValue(math.MaxUint16) != LatencyValue(last) {
		t.Error("an index beyond the last bucket isn't taken for the last")
	}
}

func TestQuantilesAreWithinTwoPercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		durations := rapid.SliceOfN(rapid.Uint64Range(0, MaxLatencyUS), 1, 200).Draw(t, "durations")
		split := rapid.IntRange(0, len(durations)).Draw(t, "split")
		var a, b, whole Histogram
		for i, us := range durations {
			whole.Add(us)
			if i < split {
				a.Add(us)
			} else {
				b.Add(us)
			}
		}
		a.Merge(b)
		if diff := cmp.Diff(whole, a); diff != "" {
			t.Fatalf("merged parts differ from the whole: %s", diff)
		}
		if whole.Count() != uint64(len(durations)) {
			t.Fatalf("count %d of %d", whole.Count(), len(durations))
		}
		slices.Sort(durations)
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		want := float64(durations[int(q*float64(len(durations)-1))])
		got, ok := whole.Quantile(q)
		if !ok || math.Abs(got-want) > 0.02*want*(1+1e-12) {
			t.Fatalf("quantile %v is %v, want %v", q, got, want)
		}
	})
}

func TestQuantileOfNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		h Histogram
		q float64
	}{
		"empty histogram": {nil, 0.5},
		"below 0":         {Histogram{{1, 1}}, -0.1},
		"above 1":         {Histogram{{1, 1}}, 1.1},
		"not a number":    {Histogram{{1, 1}}, math.NaN()},
	} {
		t.Run(name, func(t *testing.T) {
			if us, ok := tt.h.Quantile(tt.q); ok {
				t.Errorf("got %v", us)
			}
		})
	}
}

func TestCountsDoNotOverflow(t *testing.T) {
	h := Histogram{{3, math.MaxUint64}}
	h.Merge(Histogram{{3, 1}, {4, 1}})
	if h.Count() != math.MaxUint64 {
		t.Errorf("count %d", h.Count())
	}
	if us, ok := h.Quantile(1); !ok || us != 3 {
		t.Errorf("got %v, %v", us, ok)
	}
}
