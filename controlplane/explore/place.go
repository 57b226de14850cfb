package explore

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/weirhq/weir/controlplane"
)

// Place is where a group stands among those of a question: the largest first, and of
// equals the one with the smaller key.
type Place struct {
	Value int64 // of what groups are ranked by
	Key   GroupKey
}

// Compare is negative when p comes before other.
func (p Place) Compare(other Place) int {
	return cmp.Or(cmp.Compare(other.Value, p.Value), slices.Compare(p.Key[:], other.Key[:]))
}

// Cursor writes a place down for whoever reads on from there.
func (q Question) Cursor(p Place) string {
	parts := []string{q.order(), strconv.FormatInt(p.Value, 10)}
	for i := range q.GroupBy {
		parts = append(parts, strconv.FormatInt(p.Key[i], 10))
	}
	return strings.Join(parts, cursorGap)
}

const cursorGap = "_"

// order is what places depend on.
func (q Question) order() string {
	text := strconv.Itoa(int(q.OrderBy)) + "m" + strconv.FormatInt(int64(q.OrderByMeter), 10)
	for _, d := range q.GroupBy {
		text += "d" + strconv.Itoa(int(d))
	}
	return text
}

// ReadCursor reads what Cursor wrote for a question that splits and ranks as q does.
func (q Question) ReadCursor(cursor string) (*Place, error) {
	parts := strings.Split(cursor, cursorGap)
	fault := controlplane.Invalid("input.after", "give the endCursor of an answer to the same question, with the same groupBy, orderBy and orderByMeterId")
	if len(q.GroupBy) == 0 || len(parts) != 2+len(q.GroupBy) || parts[0] != q.order() {
		return nil, fault
	}
	var numbers [1 + MaxDimensions]int64
	for i, part := range parts[1:] {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, fault
		}
		numbers[i] = n
	}
	return &Place{Value: numbers[0], Key: GroupKey(numbers[1:])}, nil
}
