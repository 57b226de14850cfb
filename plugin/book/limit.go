package book

import "github.com/weirhq/weir/plugin/internal/frame"

// A limit's record: id 8 · target's ID 8 · amount 8 · burst 8 · period s 4 ·
// grace % 4 · grace s 4 · name 4+4 · subject 1 · selector 1 · kind 1 · measure 1 ·
// mode 1 · flags 1 · quota period 1 · error % 1 · slow % 1 · floor % 1 · zero 2 ·
// slow ms 4 · ends at 8.
const (
	limitBytes = 76

	targetAt   = 8
	nameAt     = 44
	subjectAt  = 52
	selectorAt = 53
	zeroAt     = 62

	flagFailOpen = 1
	flagRefund   = 2
)

// appendLimit appends the record of l, whose name is at nameAt.
func appendLimit(b []byte, l *Limit, nameAt, nameBytes uint32) []byte {
	b = frame.AppendU64(b, l.ID, l.Target, l.Amount, l.Burst)
	b = frame.AppendU32(b, l.PeriodSeconds, l.GracePercent, l.GraceSeconds, nameAt, nameBytes)
	flags := byte(0)
	if l.FailOpen {
		flags |= flagFailOpen
	}
	if l.Refund {
		flags |= flagRefund
	}
	a := &l.Adaptive
	b = append(b, byte(l.Subject), byte(l.Selector), byte(l.Kind), byte(l.Measure), byte(l.Mode), flags, byte(l.QuotaPeriod),
		byte(a.ErrorPercent), byte(a.SlowPercent), byte(a.FloorPercent), 0, 0)
	return frame.AppendU64(frame.AppendU32(b, a.SlowMS), uint64(l.EndsAtMS))
}

// Limit returns limit i, counted over all plans; see [PlanRef].
func (c *Core) Limit(i int) Limit {
	if uint(i) >= uint(c.counts[refs]) {
		return Limit{}
	}
	r := c.limit(i)
	return Limit{
		ID: frame.U64(r, 0), Target: frame.U64(r, targetAt), Amount: frame.U64(r, 16), Burst: frame.U64(r, 24),
		PeriodSeconds: frame.U32(r, 32), GracePercent: frame.U32(r, 36), GraceSeconds: frame.U32(r, 40),
		Name:    c.label(r, nameAt),
		Subject: Subject(r[subjectAt]), Selector: Selector(r[selectorAt]),
		Kind: Kind(r[54]), Measure: Measure(r[55]), Mode: Mode(r[56]),
		FailOpen: r[57]&flagFailOpen != 0, Refund: r[57]&flagRefund != 0,
		QuotaPeriod: QuotaPeriod(r[58]),
		Adaptive: Adaptive{
			ErrorPercent: uint32(r[59]), SlowPercent: uint32(r[60]), FloorPercent: uint32(r[61]), SlowMS: frame.U32(r, 64),
		},
		EndsAtMS: int64(frame.U64(r, 68)),
	}
}

// limit returns the record of limit i, counted over all plans.
func (c *Core) limit(i int) []byte { return c.record(limits, int(frame.U32(c.record(refs, i), 0))) }

// Applies returns which limits of a plan count a request: bit n is set for
// Limit(plan.FirstLimit+n). endpoint is the zero value for a request that
// matches none.
func (c *Core) Applies(plan PlanRef, endpoint EndpointRef, method string) uint64 {
	var set uint64
	for n := range min(plan.Limits, MaxPlanLimits) {
		r := c.limit(plan.FirstLimit + n)
		applies := false
		switch Selector(r[selectorAt]) {
		case All:
			applies = true
		case OneEndpoint:
			applies = endpoint.ID != 0 && endpoint.ID == frame.U64(r, targetAt)
		case OneGroup:
			applies = endpoint.Group != 0 && endpoint.Group == frame.U64(r, targetAt)
		case Reads:
			applies = isRead(method)
		case Writes:
			applies = !isRead(method)
		}
		if applies {
			set |= 1 << n
		}
	}
	return set
}

func isRead(method string) bool { return method == "GET" || method == "HEAD" || method == "OPTIONS" }
