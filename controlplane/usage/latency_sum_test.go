package usage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

func TestASumOfLatenciesIsWhatReadingThemJoinedGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sum usage.LatencySum
		var joined []byte
		for range rapid.IntRange(0, 5).Draw(t, "histograms") {
			var h wire.Histogram
			for range rapid.IntRange(0, 6).Draw(t, "latencies") {
				h.Add(rapid.Uint64Range(0, 1<<40).Draw(t, "us"))
			}
			stored := usage.AppendLatency(nil, h)
			joined = append(joined, stored...)
			if err := sum.Add(stored, 1); err != nil {
				t.Fatal(err)
			}
		}
		want, err := usage.ReadLatency(joined)
		if diff := cmp.Diff(want, sum.Histogram()); diff != "" || err != nil {
			t.Fatalf("(-joined +sum), %v:\n%s", err, diff)
		}
		if err := sum.Add(joined, -1); err != nil || sum.Histogram() != nil {
			t.Fatalf("%v is left, %v", sum.Histogram(), err)
		}
	})
}

func TestWhatIsTakenFromASumIsNeverMoreThanThereIs(t *testing.T) {
	var sum usage.LatencySum
	h := wire.Histogram{{Index: 300, Count: 5}, {Index: 302, Count: 1}}
	sum.AddHistogram(h)
	sum.AddHistogram(wire.Histogram{{Index: 10, Count: 2}, {Index: 302, Count: 1}})
	sum.Take(wire.Histogram{{Index: 2, Count: 9}, {Index: 10, Count: 3}, {Index: 302, Count: 1}, {Index: 900, Count: 1}})
	if diff := cmp.Diff(h, sum.Histogram()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	sum.Reset()
	if got := sum.Histogram(); got != nil {
		t.Errorf("after a reset there is %v", got)
	}
}

func FuzzLatencySumTakesWhatReadLatencyDoes(f *testing.F) {
	f.Add([]byte{0, 1, 1, 0, 5, 3})
	f.Add([]byte{1, 1})
	f.Fuzz(func(t *testing.T, stored []byte) {
		want, err := usage.ReadLatency(stored)
		var sum usage.LatencySum
		switch got := sum.Add(stored, 1); {
		case (got != nil) != (err != nil):
			t.Fatalf("%v, where ReadLatency says %v", got, err)
		case err == nil:
			if diff := cmp.Diff(want, sum.Histogram()); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}
