package meter

import (
	"strconv"
	"strings"
	"testing"

	"github.com/weirhq/weir/plugin/wire"
)

func TestMissedPaths(t *testing.T) {
	t.Run("ride on the next batch, once, and count for nothing", func(t *testing.T) {
		m := newMeter()
		m.Miss([]byte("GET"), []byte("/a"))
		none(t, m, -1)
		m.Count(sample(5))
		b := next(t, m, 0)
		if len(b.Unmatched) != 1 || b.Unmatched[0] != (wire.Unmatched{Method: "GET", Path: "/a"}) || b.Counted != 1 || len(b.Entries) != 1 {
			t.Errorf("got %v, %d counted in %d entries; want GET /a and 1 in 1", b.Unmatched, b.Counted, len(b.Entries))
		}
		if err := m.Received(1, wire.Receipt{Accepted: 1, Committed: 1}, 0); err != nil {
			t.Fatal(err)
		}
		m.Count(sample(5))
		if b := next(t, m, second); len(b.Unmatched) != 0 {
			t.Errorf("the next batch has %v again", b.Unmatched)
		}
	})
	t.Run("what no batch may carry is left out", func(t *testing.T) {
		m := newMeter()
		for _, path := range []string{"", "a", "/?key=secret", "/\x1b", "/ä", "/{id}", "/" + strings.Repeat("x", wire.MaxUnmatchedPathBytes)} {
			m.Miss([]byte("GET"), []byte(path))
		}
		m.Miss([]byte("get"), []byte("/"))
		m.Count(sample(5))
		if b := next(t, m, 0); len(b.Unmatched) != 0 || m.Lost() != 0 {
			t.Errorf("got %v, %d requests lost", b.Unmatched, m.Lost())
		}
	})
	t.Run("each request has the same chance", func(t *testing.T) {
		m, got := newMeter(), [40]int{}
		const rounds = 4000
		for range rounds {
			for i := range got {
				m.Miss([]byte("GET"), []byte("/"+strconv.Itoa(i)))
			}
			for _, u := range m.paths.take() {
				i, err := strconv.Atoi(u.Path[1:])
				if err != nil {
					t.Fatal(err)
				}
				got[i]++
			}
		}
		// Each is taken 800 times, give or take 25 (one standard deviation).
		for i, n := range got {
			if want := rounds * wire.MaxBatchUnmatched / len(got); n < want-150 || n > want+150 {
				t.Errorf("request %d was in %d samples, want about %d", i, n, want)
			}
		}
	})
	t.Run("take no memory until they are sent", func(t *testing.T) {
		m, path := newMeter(), []byte("/users/0000000")
		n := 0
		if allocs := testing.AllocsPerRun(1000, func() {
			n++
			strconv.AppendInt(path[:len("/users/")], int64(n), 10)
			m.Miss([]byte("GET"), path)
		}); allocs != 0 {
			t.Errorf("%v allocations, want none", allocs)
		}
	})
}
