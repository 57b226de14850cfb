package pack_test

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane/pack"
)

func TestAPackGivesBackItsColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.IntRange(0, 40).Draw(t, "rows")
		value := rapid.OneOf(rapid.Just[int64](0), rapid.Int64Range(-3, 200), rapid.Int64(), rapid.Just[int64](math.MinInt64))
		columns := make([][]int64, rapid.IntRange(1, pack.MaxColumns).Draw(t, "columns"))
		for c := range columns {
			if rapid.Bool().Draw(t, "alike") {
				columns[c] = slices.Repeat([]int64{value.Draw(t, "value")}, rows)
				continue
			}
			columns[c] = rapid.SliceOfN(value, rows, rows).Draw(t, "column")
		}
		p, err := pack.Read(pack.Append(nil, columns))
		if err != nil || p.Rows() != rows {
			t.Fatalf("%d rows, want %d: %v", p.Rows(), rows, err)
		}
		room := []int64{9, 9, 9}
		for c, want := range columns {
			got, err := p.Column(c, room)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("column %d: %v, want %v: %v", c, got, want, err)
			}
			if zero := !slices.ContainsFunc(want, func(v int64) bool { return v != 0 }); zero != p.Zero(c) {
				t.Fatalf("column %d: %v is zero: %v", c, want, p.Zero(c))
			}
		}
	})
}

func TestStringsComeBackInTheirOrder(t *testing.T) {
	want := [][]byte{[]byte("a"), {}, []byte("bc")}
	b := pack.AppendStrings(nil, want)
	for _, w := range want {
		var got []byte
		var err error
		if got, b, err = pack.NextString(b); err != nil || !slices.Equal(got, w) {
			t.Fatalf("%q, want %q: %v", got, w, err)
		}
	}
	if _, _, err := pack.NextString(b); err == nil {
		t.Error("no error after the last")
	}
}

// Whatever the bytes, a reader gets columns of the length that it is told, or an
// error.
func FuzzRead(f *testing.F) {
	f.Add(pack.Append(nil, [][]int64{{1, 2, 3}, {0, 0, 0}, {7, 7, 7}, {-1 << 63, 5, 1 << 62}}))
	f.Add([]byte{200, 1, 1, 2, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := pack.Read(b)
		if err != nil || p.Rows() > 1<<16 {
			return
		}
		for c := range pack.MaxColumns {
			if column, err := p.Column(c, nil); err == nil && len(column) != p.Rows() {
				t.Errorf("column %d has %d of %d rows", c, len(column), p.Rows())
			}
		}
		if _, rest, err := pack.NextString(b); err == nil && len(rest) >= len(b) {
			t.Error("a string without bytes")
		}
	})
}
