package meter

import (
	"testing"

	"pgregory.net/rapid"
)

func TestChainsFindWhatAMapFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, keys := newChains(), []uint64{}
		find := func(k uint64) int {
			for i := c.first(uint32(mix(0, k))); i >= 0; i = c.next(i) {
				if keys[i] == k {
					return int(i)
				}
			}
			return -1
		}
		for range rapid.IntRange(1, 6).Draw(t, "rounds") {
			for range rapid.IntRange(0, 6000).Draw(t, "adds") {
				k := uint64(len(keys)) * 7
				keys = append(keys, k)
				c.push(uint32(mix(0, k)))
			}
			from := rapid.IntRange(0, len(keys)).Draw(t, "cut from")
			keys = keys[:from]
			c.cut(from)
			for i, k := range keys {
				if got := find(k); got != i {
					t.Fatalf("key %d of %d is found at %d", i, len(keys), got)
				}
			}
			if got := find(uint64(len(keys)) * 7); got != -1 {
				t.Fatalf("a key that was cut is found at %d of %d", got, len(keys))
			}
		}
	})
}
