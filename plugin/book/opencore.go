package book

import (
	"strconv"

	"github.com/weirhq/weir/plugin/internal/frame"
	"github.com/weirhq/weir/plugin/wire"
)

// OpenCore verifies b, and keeps it; b may not change afterwards. It checks
// length, checksum, every reference, every order that a search relies on and
// every bound of a value. It fails with [ErrMalformed].
func OpenCore(b []byte) (*Core, error) {
	if _, err := frame.Unseal(b, magicCore); err != nil {
		return nil, err
	}
	c, err := TrustCore(b)
	if err != nil {
		return nil, err
	}
	for _, verify := range [...]func() string{
		c.groupsFault, c.endpointsFault, c.plansFault, c.refsFault, c.limitsFault, c.namesFault, c.anonymousFault, c.trieFault, c.metersFault, c.scopesFault,
	} {
		if what := verify(); what != "" {
			return nil, frame.Malformed("core: " + what)
		}
	}
	return c, nil
}

func brokenAt(noun string, i int) string { return noun + " " + strconv.Itoa(i) + " in the list" }

// ascends reports whether id is in bounds and above the one before.
func ascends(id, before uint64) bool { return id > before && id <= wire.MaxNumber }

// nameFits reports whether the text reference of a record is a name.
func (c *Core) nameFits(r []byte, at int) bool {
	name, ok := c.checkedLabel(r, at)
	return ok && frame.TextFault("name", name, 1, MaxNameBytes) == ""
}

func (c *Core) groupsFault() string {
	var before uint64
	for i := range c.counts[groups] {
		r := c.record(groups, i)
		id := frame.U64(r, 0)
		if !ascends(id, before) || !c.nameFits(r, 8) {
			return brokenAt("group", i)
		}
		before = id
	}
	return ""
}

// inGroup reports whether id is a group's, or none.
func (c *Core) inGroup(id uint64) bool {
	_, found := c.find(groups, id)
	return found || id == 0
}

func (c *Core) endpointsFault() string {
	var before uint64
	for i := range c.counts[endpoints] {
		r := c.record(endpoints, i)
		id := frame.U64(r, 0)
		if !ascends(id, before) || !c.inGroup(frame.U64(r, 8)) || frame.U32(r, 16)-1 >= MaxCost || frame.U32(r, 20) != 0 {
			return brokenAt("endpoint", i)
		}
		before = id
	}
	return ""
}

func (c *Core) plansFault() string {
	var before uint64
	var ref uint32
	for i := range c.counts[plans] {
		r := c.record(plans, i)
		id, tier := frame.U64(r, 0), frame.U64(r, 8)
		if !ascends(id, before) || tier-1 >= wire.MaxNumber || !c.nameFits(r, 16) ||
			frame.U32(r, 24) != ref || frame.U32(r, 28) > MaxPlanLimits {
			return brokenAt("plan", i)
		}
		before = id
		ref += frame.U32(r, 28) // at most MaxPlans times MaxPlanLimits
	}
	if int(ref) != c.counts[refs] {
		return "the plans don't own all limits"
	}
	return ""
}

// refsFault checks that the limits are numbered as the plans first name them,
// and that within a plan their ids ascend and their names differ.
func (c *Core) refsFault() string {
	seen := 0
	for i := range c.counts[plans] {
		p := c.Plan(i)
		var before uint64
		for n := range p.Limits {
			at := p.FirstLimit + n
			limit := int(frame.U32(c.record(refs, at), 0))
			if limit > seen || limit >= c.counts[limits] {
				return brokenAt("plan", i)
			}
			seen = max(seen, limit+1)
			r := c.limit(at)
			if id := frame.U64(r, 0); id <= before || c.nameTaken(p, n, c.label(r, nameAt)) {
				return brokenAt("plan", i)
			}
			before = frame.U64(r, 0)
		}
	}
	if seen != c.counts[limits] {
		return "a limit in no plan"
	}
	return ""
}

// nameTaken reports whether one of the first n limits of p has the name.
func (c *Core) nameTaken(p PlanRef, n int, name string) bool {
	for o := range n {
		if c.label(c.limit(p.FirstLimit+o), nameAt) == name {
			return true
		}
	}
	return false
}

// limitsFault relies on every limit being in a plan.
func (c *Core) limitsFault() string {
	checked := 0
	for at := range c.counts[refs] {
		if int(frame.U32(c.record(refs, at), 0)) != checked {
			continue // again one that was checked
		}
		r := c.record(limits, checked)
		l := c.Limit(at)
		known := true
		switch l.Selector {
		case OneEndpoint:
			_, known = c.find(endpoints, l.Target)
		case OneGroup:
			_, known = c.find(groups, l.Target)
		}
		if !known || l.fault() != "" || r[57]&^(flagFailOpen|flagRefund) != 0 || r[zeroAt]|r[zeroAt+1] != 0 {
			return brokenAt("limit", checked)
		}
		checked++
	}
	return ""
}

func (c *Core) namesFault() string {
	tiers, before := 0, ""
	for i := range c.counts[plans] {
		if p := c.Plan(i); p.ID == p.Tier {
			tiers++
		}
	}
	if tiers != c.counts[names] {
		return "not one name for each tier"
	}
	for i := range c.counts[names] {
		p := c.Plan(int(frame.U32(c.record(names, i), 0)))
		if p.ID == 0 || p.ID != p.Tier || p.Name <= before {
			return brokenAt("name", i)
		}
		before = p.Name
	}
	return ""
}

func (c *Core) anonymousFault() string {
	if _, found := c.Anonymous(); !found && c.anonymous != 0 {
		return "there is no plan for anonymous callers"
	}
	return ""
}
