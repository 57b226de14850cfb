package explore

import (
	"cmp"
	"slices"

	"github.com/weirhq/weir/controlplane"
)

// Ranking finds the largest groups.
type Ranking struct {
	reading
	figure int
	at     map[GroupKey]int32
	sums   []int64
	keys   []GroupKey
	next   []int32 // the group that followed each one in the last pack
}

// NewRanking returns one without groups.
func NewRanking(dimensions []Dimension, f controlplane.UsageFilter, by Measure) *Ranking {
	return &Ranking{reading: newReading(dimensions, f), figure: by.figure(), at: map[GroupKey]int32{}}
}

// Add adds to what a group has.
func (r *Ranking) Add(k GroupKey, n int64) error {
	i, err := r.find(k)
	if err != nil {
		return err
	}
	return r.add(i, n)
}

// find returns the number of a group, which it makes if there is none.
func (r *Ranking) find(k GroupKey) (int32, error) {
	if i, ok := r.at[k]; ok {
		return i, nil
	}
	if len(r.sums) == maxGroups {
		return 0, TooLarge("has more than " + millions(maxGroups) + " groups")
	}
	i := int32(len(r.sums))
	r.at[k] = i
	r.sums, r.keys, r.next = append(r.sums, 0), append(r.keys, k), append(r.next, 0)
	return i, nil
}

func (r *Ranking) add(i int32, n int64) error {
	sum, ok := plus(r.sums[i], n)
	if !ok {
		return errSum
	}
	r.sums[i] = sum
	return nil
}

// AddPacked adds what a pack has.
func (r *Ranking) AddPacked(packed Packed) error {
	p, err := r.open(packed.Sums)
	if err != nil {
		return err
	}
	if r.room, err = p.Column(len(Dimensions)+r.figure, r.room); err != nil {
		return err
	}
	// Packs have their rows in one order, so that a row's group mostly comes after the
	// one that it came after in the last pack; looking there is quicker than hashing.
	last := int32(-1)
	for i, n := range r.room {
		if r.slot[i] < 0 {
			continue
		}
		k := r.key(i)
		var group int32
		if last >= 0 && r.keys[r.next[last]] == k {
			group = r.next[last]
		} else if group, err = r.find(k); err != nil {
			return err
		}
		if last >= 0 {
			r.next[last] = group
		}
		last = group
		if err := r.add(group, n); err != nil {
			return err
		}
	}
	return nil
}

// Top returns the largest groups after a place, if there is one, and how many there
// are in all.
func (r *Ranking) Top(most int, after *Place) (keys []GroupKey, count int) {
	order := func(a, b GroupKey) int {
		return cmp.Or(cmp.Compare(r.sums[r.at[b]], r.sums[r.at[a]]), slices.Compare(a[:], b[:]))
	}
	for k, i := range r.at {
		if after != nil && after.Compare(Place{Value: r.sums[i], Key: k}) >= 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(keys, k, order)
		if at == most {
			continue
		}
		if len(keys) == most {
			keys = keys[:most-1]
		}
		keys = slices.Insert(keys, at, k)
	}
	return keys, len(r.at)
}
