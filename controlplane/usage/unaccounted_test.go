package usage_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

func ledgerOf(committed uint64, ahead ...uint64) *usage.Ledger {
	l := usage.NewLedger(committed)
	for _, n := range ahead {
		l.Claim(n)
	}
	return l
}

func TestWhatASourceLeavesOpenIsFound(t *testing.T) {
	type found struct {
		kind                     string
		atLeast, atMost, batches int64 // at most -1: nobody knows
	}
	for name, tc := range map[string]struct {
		source usage.Source
		want   []found
	}{
		"one that counted nothing":         {usage.Source{Ledger: ledgerOf(0), Silent: true}, []found{{usage.Silent, 0, -1, 0}}},
		"one that lives":                   {usage.Source{Ledger: ledgerOf(5), Committed: 50, BatchCounted: 50, Counted: 70}, nil},
		"one that lives, out of order":     {usage.Source{Ledger: ledgerOf(5, 7), Committed: 50, BatchCounted: 70, Counted: 70}, nil},
		"one that ended, all there":        {usage.Source{Ledger: ledgerOf(5), Committed: 50, BatchCounted: 50, Counted: 50, Silent: true}, []found{{usage.Silent, 0, -1, 0}}},
		"one that ended with more counted": {usage.Source{Ledger: ledgerOf(5), Committed: 50, BatchCounted: 50, Counted: 70, Silent: true}, []found{{usage.Silent, 20, -1, 0}}},
		"one that ended with holes": {usage.Source{Ledger: ledgerOf(5, 7, 10), Committed: 50, BatchCounted: 85, Counted: 90, Silent: true},
			[]found{{usage.Gap, 35, 35, 3}, {usage.Silent, 5, -1, 0}}},
		"one that lives and lost batches": {usage.Source{Ledger: ledgerOf(9), Lost: 2, Committed: 50, BatchCounted: 62, Counted: 70}, []found{{usage.Gap, 12, 12, 2}}},
		"one that never got through":      {usage.Source{Ledger: ledgerOf(0), Counted: 7, Silent: true}, []found{{usage.Silent, 7, -1, 0}}},
		"empty batches that were lost":    {usage.Source{Ledger: ledgerOf(9), Lost: 2, Committed: 50, BatchCounted: 50, Counted: 50}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			resolved, missing := tc.source.Account(nil)
			var got []found
			for _, m := range missing {
				f := found{m.Kind, m.AtLeast, -1, m.Batches}
				if m.AtMost != nil {
					f.atMost = *m.AtMost
				}
				got = append(got, f)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(found{})); diff != "" || resolved != nil {
				t.Errorf("resolved %v; (-want +found):\n%s", resolved, diff)
			}
		})
	}
}

func TestASourceThatIsHeardAgainResolvesWhatItFills(t *testing.T) {
	open := []usage.OpenMissing{
		{ID: 1, Missing: usage.Missing{Kind: usage.Gap, AtLeast: 35, AtMost: new(int64(35)), Batches: 3, Counted: 85}},
		{ID: 2, Missing: usage.Missing{Kind: usage.Silent, AtLeast: 5, Counted: 90}},
	}
	for name, tc := range map[string]struct {
		source   usage.Source
		resolved []controlplane.ID
		missing  int64
	}{
		"it fills all":             {usage.Source{Ledger: ledgerOf(12), Committed: 95, BatchCounted: 95, Counted: 95}, []controlplane.ID{1, 2}, 0},
		"it fills the gap":         {usage.Source{Ledger: ledgerOf(10), Committed: 85, BatchCounted: 85, Counted: 95}, []controlplane.ID{1}, 0},
		"it is only heard":         {usage.Source{Ledger: ledgerOf(5, 7, 10), Committed: 50, BatchCounted: 85, Counted: 95}, nil, 0},
		"part is lost for good":    {usage.Source{Ledger: ledgerOf(12), Lost: 1, Committed: 85, BatchCounted: 95, Counted: 95}, []controlplane.ID{1, 2}, 10},
		"nothing has changed":      {usage.Source{Ledger: ledgerOf(5, 7, 10), Committed: 50, BatchCounted: 85, Counted: 90, Silent: true}, nil, 0},
		"it counted more and died": {usage.Source{Ledger: ledgerOf(10), Committed: 85, BatchCounted: 85, Counted: 99, Silent: true}, []controlplane.ID{1, 2}, 14},
	} {
		t.Run(name, func(t *testing.T) {
			resolved, missing := tc.source.Account(open)
			var least int64
			for _, m := range missing {
				least += m.AtLeast
			}
			if diff := cmp.Diff(tc.resolved, resolved); diff != "" || least != tc.missing {
				t.Errorf("at least %d more are missing, want %d; resolved (-want +got):\n%s", least, tc.missing, diff)
			}
		})
	}
}

// However a source's batches come and go, once it has ended what is found missing
// is what it had counted at its last word and is not in the rollups; and finding it
// again finds nothing new.
func TestWhatIsMissingAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ledger := usage.NewLedger(0)
		s := usage.Source{Ledger: ledger}
		var open []usage.OpenMissing
		var id controlplane.ID
		account := func() {
			resolved, found := s.Account(open)
			var kept []usage.OpenMissing
			for _, o := range open {
				if !slices.Contains(resolved, o.ID) {
					kept = append(kept, o)
				}
			}
			open = kept
			for _, m := range found {
				id++
				open = append(open, usage.OpenMissing{ID: id, Missing: m})
			}
			if again, more := s.Account(open); len(again)+len(more) > 0 {
				t.Fatalf("found again: resolved %v, missing %+v, open %+v of %+v", again, more, open, s)
			}
		}
		counted := []int64{0} // after each sequence
		for range rapid.IntRange(0, 30).Draw(t, "batches") {
			counted = append(counted, counted[len(counted)-1]+rapid.Int64Range(0, 100).Draw(t, "requests"))
		}
		for range rapid.IntRange(0, 40).Draw(t, "arrivals") {
			if len(counted) == 1 {
				break
			}
			n := rapid.Uint64Range(1, min(uint64(len(counted)-1), ledger.Committed()+2*wire.MaxFrozen)).Draw(t, "sequence")
			lost := ledger.Lost()
			if ledger.Claim(n) {
				s.Committed += counted[n] - counted[n-1]
				s.BatchCounted = max(s.BatchCounted, counted[n])
				s.Counted = max(s.Counted, counted[n])
			}
			s.Lost += int64(ledger.Lost() - lost)
			s.Silent = rapid.Bool().Draw(t, "silent")
			if s.Silent {
				s.Counted = max(s.Counted, rapid.Int64Range(s.Counted, counted[len(counted)-1]).Draw(t, "heard"))
			}
			account()
		}
		s.Silent = true
		account()
		var atLeast int64
		for _, o := range open {
			atLeast += o.AtLeast
			if (o.AtMost == nil) != (o.Kind == usage.Silent) {
				t.Fatalf("an end that nobody knows: %+v", o)
			}
		}
		if want := s.Counted - s.Committed; atLeast != want {
			t.Fatalf("at least %d are missing, want %d: %+v", atLeast, want, open)
		}
	})
}
