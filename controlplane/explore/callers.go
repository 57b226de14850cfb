package explore

import "github.com/weirhq/weir/controlplane"

// Callers counts the different keys of groups.
type Callers struct {
	reading
	ranks map[GroupKey]int32
	seen  map[caller]struct{}
}

type caller struct {
	rank int32
	key  int64
}

// NewCallers returns one that has seen none.
func NewCallers(dimensions []Dimension, f controlplane.UsageFilter, keys []GroupKey) *Callers {
	c := &Callers{reading: newReading(dimensions, f), ranks: map[GroupKey]int32{}, seen: map[caller]struct{}{}}
	for i, k := range keys {
		c.ranks[k] = int32(i + 1)
	}
	return c
}

// Add adds a key of a rank; 0 is what is not among the groups. Key 0 is none.
func (c *Callers) Add(rank int32, key int64) error {
	if key == 0 {
		return nil
	}
	if len(c.seen) == maxGroups {
		return TooLarge("has more than " + millions(maxGroups) + " keys")
	}
	c.seen[caller{rank, key}] = struct{}{}
	return nil
}

// AddPacked adds the keys of a pack.
func (c *Callers) AddPacked(packed Packed) error {
	p, err := c.open(packed.Sums)
	if err != nil {
		return err
	}
	if c.room, err = p.Column(int(ByKey), c.room); err != nil {
		return err
	}
	for i, key := range c.room {
		if c.slot[i] < 0 {
			continue
		}
		if err := c.Add(c.ranks[c.key(i)], key); err != nil {
			return err
		}
	}
	return nil
}

// Count puts the numbers of keys into sums.
func (c *Callers) Count(s *Sums) {
	all := map[int64]struct{}{}
	for seen := range c.seen {
		s.Unique[seen.rank]++
		all[seen.key] = struct{}{}
	}
	s.Keys = int64(len(all))
}

// Meter adds up one measure of packs.
type Meter struct {
	reading
	figure int
}

// NewMeter returns one of a measure.
func NewMeter(f controlplane.UsageFilter, m Measure) *Meter {
	return &Meter{reading: newReading(nil, f), figure: m.figure()}
}

// Of returns what a pack has of the measure.
func (m *Meter) Of(packed Packed) (sum int64, err error) {
	p, err := m.open(packed.Sums)
	if err != nil {
		return 0, err
	}
	if m.room, err = p.Column(len(Dimensions)+m.figure, m.room); err != nil {
		return 0, err
	}
	for i, n := range m.room {
		if m.slot[i] < 0 {
			continue
		}
		var ok bool
		if sum, ok = plus(sum, n); !ok {
			return 0, errSum
		}
	}
	return sum, nil
}
