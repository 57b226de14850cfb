package postgres

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

func TestLevelsShareRowsOnlyInTheSameOrderWithTheSameSums(t *testing.T) {
	const hour = 500_000 * 60
	row := func(minute int64, account uint64, n int64) usage.Row {
		return usage.Row{EntryKey: wire.EntryKey{Minute: minute, Account: account}, Sums: usage.Sums{Requests: n}}
	}
	const minutes, hours, days, months, shifts = usage.Minutes, usage.Hours, usage.Days, usage.Months, usage.DayShifts
	for name, tc := range map[string]struct {
		rows []usage.Row
		kept usage.Span // of minutes
		want [][]usage.Level
	}{
		"nothing":                      {nil, usage.Span{}, nil},
		"one minute":                   {[]usage.Row{row(hour+1, 1, 5), row(hour+1, 2, 5)}, usage.Span{}, [][]usage.Level{{minutes, hours, days, months}}},
		"an account in two minutes":    {[]usage.Row{row(hour+1, 1, 5), row(hour+2, 1, 5)}, usage.Span{}, [][]usage.Level{{minutes}, {hours, days, months}}},
		"two accounts in two minutes":  {[]usage.Row{row(hour+1, 1, 5), row(hour+2, 2, 5)}, usage.Span{}, [][]usage.Level{{minutes, hours, days, months}}},
		"in another order by the hour": {[]usage.Row{row(hour+1, 2, 5), row(hour+2, 1, 5)}, usage.Span{}, [][]usage.Level{{minutes}, {hours, days, months}}},
		"a minute that isn't kept":     {[]usage.Row{row(hour+1, 1, 5), row(hour+2, 1, 5)}, usage.Span{From: hour + 2, Until: hour + 60}, [][]usage.Level{{minutes}, {hours, days, months}}},
		"two hours":                    {[]usage.Row{row(hour+59, 1, 5), row(hour+60, 1, 5)}, usage.Span{}, [][]usage.Level{{minutes, hours}, {days, months}}},
	} {
		t.Run(name, func(t *testing.T) {
			terms := usage.Terms{}
			terms.Kept[usage.Minutes] = tc.kept
			var got [][]usage.Level
			for _, p := range partsOf(terms.RollUp(tc.rows, nil, nil).Usage) {
				got = append(got, p.levels)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	parts := partsOf([usage.Levels][]usage.Row{minutes: {row(hour, 1, 5)}, shifts: {row(hour, 1, 5)}})
	if len(parts) != 2 {
		t.Errorf("shifts share the rows of a level: %v", parts)
	}
}

func TestTransactionsHaveWholeBatchesAndNotTooMuch(t *testing.T) {
	// Batches of so many entries; negative: all of them are of one row.
	sized := func(entries ...int) (batches []*wire.Batch) {
		var row uint64
		for _, n := range entries {
			b := &wire.Batch{Entries: make([]wire.Entry, max(n, -n))}
			for i := range b.Entries {
				if n > 0 {
					row++
					b.Entries[i].Account = row
				}
			}
			batches = append(batches, b)
		}
		return batches
	}
	for name, tc := range map[string]struct {
		entries []int
		want    []int // batches of each transaction
	}{
		"none":                           {nil, nil},
		"empty ones":                     {[]int{0, 0, 0}, []int{3}},
		"what just fits":                 {[]int{maxRows - 1, 1}, []int{2}},
		"one too many":                   {[]int{maxRows - 1, 1, 1}, []int{2, 1}},
		"each a large one":               {[]int{maxRows, maxRows, maxRows}, []int{1, 1, 1}},
		"beyond any bound":               {[]int{1, maxRows + 1, 1}, []int{1, 1, 1}},
		"many entries of one row":        {[]int{-maxRows, -maxRows, -maxRows}, []int{3}},
		"more entries than memory takes": {[]int{1 - maxEntries, -1, -1, -1}, []int{2, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []int
			for _, part := range transactions(sized(tc.entries...)) {
				got = append(got, len(part))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
