package book

import (
	"strings"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// PlanRef is what the core says of a plan; see [Plan]. Its limits are
// Limit(FirstLimit) to Limit(FirstLimit+Limits-1), by ID.
type PlanRef struct {
	ID         uint64
	Tier       uint64
	Name       string
	FirstLimit int
	Limits     int
}

// EndpointRef is what the core says of an endpoint; see [Endpoint].
type EndpointRef struct {
	ID    uint64
	Group uint64 // 0: in none
	Cost  uint32
}

// Plans returns how many plans there are; they are sorted by ID.
func (c *Core) Plans() int { return c.counts[plans] }

// Plan returns plan i.
func (c *Core) Plan(i int) PlanRef {
	if uint(i) >= uint(c.counts[plans]) {
		return PlanRef{}
	}
	r := c.record(plans, i)
	return PlanRef{
		ID: frame.U64(r, 0), Tier: frame.U64(r, 8), Name: c.label(r, 16),
		FirstLimit: int(frame.U32(r, 24)), Limits: int(min(frame.U32(r, 28), MaxPlanLimits)),
	}
}

// FindPlan looks up a plan by its ID.
func (c *Core) FindPlan(id uint64) (PlanRef, bool) {
	i, found := c.find(plans, id)
	return c.Plan(i), found
}

// FindPlanByName looks up the plan of a tier by the tier's name.
func (c *Core) FindPlanByName(name string) (PlanRef, bool) {
	lo, hi := 0, c.counts[names]
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		p := c.Plan(int(frame.U32(c.record(names, mid), 0)))
		switch order := strings.Compare(p.Name, name); {
		case order == 0:
			return p, true
		case order < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return PlanRef{}, false
}

// Anonymous returns the plan of callers known by their address only, and false
// when they have none.
func (c *Core) Anonymous() (PlanRef, bool) {
	if c.anonymous == 0 {
		return PlanRef{}, false
	}
	return c.FindPlan(c.anonymous)
}

// GroupName returns the name of a group.
func (c *Core) GroupName(id uint64) (string, bool) {
	i, found := c.find(groups, id)
	return c.label(c.record(groups, i), 8), found
}

// find looks up a record by its ID in a section that is sorted by it. Where it
// isn't found, the index is out of range.
func (c *Core) find(of section, id uint64) (int, bool) {
	size, b := recordBytes[of], c.sections[of]
	lo, hi := 0, c.counts[of]
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch at := frame.U64(b, mid*size); {
		case at == id:
			return mid, true
		case at < id:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return -1, false
}
