package wire

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSortListSorts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.IntRange(0, 30), 0, 200).Draw(t, "list")
		want := slices.Sorted(slices.Values(list))
		sortList(list, func(x, y *int) int { return cmp.Compare(*x, *y) })
		if !slices.Equal(list, want) {
			t.Fatalf("got %v, want %v", list, want)
		}
	})
}
