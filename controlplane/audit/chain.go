package audit

import (
	"fmt"
	"slices"
)

// BreakError is the first place where a chain isn't whole.
type BreakError struct {
	Seq    int64 // of the record at fault, or of the one that is missing
	Reason string
}

func (b *BreakError) Error() string { return fmt.Sprintf("record %d: %s", b.Seq, b.Reason) }

// Chain checks records, one after another.
type Chain struct {
	last    Anchor
	checked int64
	anchors []Anchor // to come, by their places
}

// NewChain returns a chain that begins after a place, which is taken for granted,
// and has to pass through the anchors. Those that lie before that place it can't
// check, and refuses: see [Anchor.Check].
func NewChain(after Anchor, anchors ...Anchor) (*Chain, error) {
	anchors = slices.Clone(anchors)
	slices.SortFunc(anchors, func(a, b Anchor) int { return int(min(max(a.Seq-b.Seq, -1), 1)) })
	c := &Chain{last: after}
	for _, a := range anchors {
		switch {
		case a.Seq < after.Seq:
			return nil, fmt.Errorf("check records from %d on: the anchor %v lies before them", after.Seq+1, a)
		case a.Seq == after.Seq && a.Hash != after.Hash:
			return nil, a.mismatch()
		case a.Seq > after.Seq:
			c.anchors = append(c.anchors, a)
		}
	}
	return c, nil
}

// Add checks the next record. Its error is a [BreakError].
func (c *Chain) Add(r *Record) error {
	switch {
	case r.Seq > c.last.Seq+1:
		return &BreakError{c.last.Seq + 1, fmt.Sprintf("it is missing; the next one is %d", r.Seq)}
	case r.Seq <= c.last.Seq:
		return &BreakError{r.Seq, fmt.Sprintf("it comes after record %d", c.last.Seq)}
	case r.PrevHash != c.last.Hash:
		return &BreakError{r.Seq, fmt.Sprintf("it does not follow record %d as that is now: the two hashes differ", c.last.Seq)}
	}
	if err := r.whole(); err != nil {
		return err
	}
	for len(c.anchors) > 0 && c.anchors[0].Seq == r.Seq {
		if c.anchors[0].Hash != r.Hash {
			return c.anchors[0].mismatch()
		}
		c.anchors = c.anchors[1:]
	}
	c.last = r.Place()
	c.checked++
	return nil
}

// End checks that the chain ends at head, which the store keeps apart from the
// records, and that no anchor lies beyond.
func (c *Chain) End(head Anchor) error {
	switch {
	case c.last.Seq < head.Seq:
		return &BreakError{c.last.Seq + 1, fmt.Sprintf("it is missing; the log's head is at %d", head.Seq)}
	case c.last != head:
		return &BreakError{c.last.Seq, fmt.Sprintf("it is not where the log's head is, at %d", head.Seq)}
	case len(c.anchors) > 0:
		return &BreakError{c.anchors[0].Seq, fmt.Sprintf("it is missing; an anchor names it, and the log ends at %d", head.Seq)}
	}
	return nil
}

// whole checks that a record's content has its hash.
func (r *Record) whole() error {
	sum, err := r.Sum()
	if err != nil {
		return &BreakError{r.Seq, err.Error()}
	}
	if sum != r.Hash {
		return &BreakError{r.Seq, "its content does not match its hash"}
	}
	return nil
}

// Check checks by itself a record that is to be the one that the anchor names; nil is
// none at all.
func (a Anchor) Check(r *Record) error {
	switch {
	case r == nil:
		return &BreakError{a.Seq, "it is missing; an anchor names it"}
	case r.Place() != a:
		return a.mismatch()
	}
	return r.whole()
}

func (a Anchor) mismatch() error {
	return &BreakError{a.Seq, "it is not the record that the anchor names"}
}

// Last is the place of the last record that was whole.
func (c *Chain) Last() Anchor { return c.last }

// Checked is how many records were whole.
func (c *Chain) Checked() int64 { return c.checked }
