package filter

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/weirhq/weir/plugin/limit"
)

// maxSwaps bounds how often a request tries to store its decision. Each time it
// fails another worker has stored one for the same subject, so this many in a
// row mean that something is broken; then the limits' fail mode decides.
const maxSwaps = 128

var (
	errContended = errors.New("decide: the state changed too often")
	errOutdated  = errors.New("decide: there is a newer policy")
	errUndecided = errors.New("decide: a lease has to be waited for")
)

// question is what is to be decided of a request: by each part of its plan that
// has limits which apply, at most two. It is used again from request to request.
type question struct {
	plan    *plan
	applies uint64 // limits of the plan
	shard   int    // segment of the caller's key
	version uint64
	epoch   uint32
	nowNS   int64
	wall    int64 // Unix seconds
	untilNS int64 // when a lease is no longer waited for
	held    bool  // it is being waited for already
	take    [limit.Measures]uint64
	asked   [2]asked
	n       int // of asked that are in use
}

// asked is one part of a question and its answer.
type asked struct {
	part    *part
	key     []byte // of the state in shared data
	applies uint64
	address uint64 // hash, for slots by address

	state  []byte // as read, valid until the callback returns
	cas    uint32
	found  bool
	place  limit.Place
	next   []byte
	table  []byte // next in its set of slots
	seed   []byte
	levels []limit.Level
	d      limit.Decision
}

func (q *question) parts() []asked { return q.asked[:q.n] }

// ask adds a part of the plan to the question.
func (q *question) ask(part *part, applies uint64, c *caller) {
	a := &q.asked[q.n]
	q.n++
	a.part, a.applies, a.address = part, applies, c.address
	a.key = appendStateKey(a.key[:0], part.subject, c)
}

// appendStateKey appends the key of a subject's state in shared data.
func appendStateKey(dst []byte, s subject, c *caller) []byte {
	switch s {
	case ofAddress:
		return strconv.AppendUint(append(dst, "weir/i/"...), uint64(limit.SetOf(c.address)), 10)
	case ofKey:
		dst = strconv.AppendUint(append(dst, "weir/k/"...), c.key, 10)
	default:
		dst = strconv.AppendUint(append(dst, "weir/a/"...), c.account, 10)
	}
	if c.claimed {
		dst = strconv.AppendUint(append(dst, '/'), c.plan, 10)
	}
	return dst
}

func (q *question) request(a *asked, take [limit.Measures]uint64) limit.Request {
	return limit.Request{
		Version: q.version, Epoch: q.epoch, Now: q.nowNS, Wall: q.wall, Applies: a.applies, Take: take,
	}
}

// allowed reports whether every part allows the request.
func (q *question) allowed() bool {
	for i := range q.parts() {
		if !q.asked[i].d.Allowed {
			return false
		}
	}
	return true
}

// decide checks a request against all limits that apply and charges all of them
// or none. The decisions are stored in shared data by compare-and-swap before
// they count, so each state is exact whatever other workers do. It fails with
// [errOutdated], having charged nothing, when a worker with a newer policy was
// here before, and with [errUndecided] when nothing but a lease is missing, and
// it may be waited for.
//
// A request that two states decide, its key's and its account's, is charged to
// the first before the second. Should the second deny only then, because another
// worker was quicker, the first gets back what it gave: for these microseconds
// its limits are stricter than they need be, and never looser.
//
// q.nowNS is the time of the first attempt.
func (p *plugin) decide(q *question) error {
	for attempt := range maxSwaps {
		if attempt > 0 {
			q.nowNS = p.system.MonotonicNS()
		}
		q.wall = p.wallSeconds(q.nowNS)
		for i := range q.parts() {
			if err := p.judge(q, &q.asked[i], q.take); err != nil {
				return err
			}
		}
		var stored bool
		var err error
		switch {
		case q.lacksLease() && p.mayHold(q):
			if stored, err = p.postpone(q); stored {
				err = errUndecided
			}
		case q.allowed():
			stored, err = p.charge(q)
		default:
			stored, err = p.deny(q)
		}
		if stored || err != nil {
			return err
		}
		p.stats.swapRetries++
	}
	p.stats.swapsExhausted++
	return errContended
}

// judge reads the state of one part and decides on it.
func (p *plugin) judge(q *question, a *asked, take [limit.Measures]uint64) error {
	a.state, a.cas, a.found = p.host.getShared(a.key)
	if err := p.judgeState(q, a, take); err != nil {
		return err
	}
	if a.d.Behind && p.refresh(q) {
		return errOutdated
	}
	return nil
}

// judgeState decides on a state as read. A subject without one is new: all of its
// limits are full. One whose state another program wrote begins anew too, with
// nothing in those limits that fail closed.
func (p *plugin) judgeState(q *question, a *asked, take [limit.Measures]uint64) error {
	req := q.request(a, take)
	state, err := a.locate(req)
	if err == nil {
		a.next, a.d, err = limit.Decide(a.next, state, req, a.part.rules, a.levels)
	}
	if err == nil {
		a.levels = a.d.Levels
		a.d.Changed = a.d.Changed || !a.found
		return nil
	}
	if !errors.Is(err, limit.ErrMalformed) {
		return err
	}
	p.stats.statesReplaced++
	p.warn("replace state "+string(a.key), err)
	return a.beginAnew(req)
}

// beginAnew decides as if nothing were known of the subject.
func (a *asked) beginAnew(req limit.Request) error {
	seed, err := limit.Seed(a.seed, req.Version, req.Epoch, req.Now, a.part.rules, a.part.closed)
	if err != nil {
		return err
	}
	a.seed = seed
	if a.part.subject == ofAddress {
		a.state, a.place = nil, limit.Place{}
		if _, a.place, err = limit.Locate(a.table, nil, a.address, req, a.part.rules); err != nil {
			return err
		}
	}
	a.next, a.d, err = limit.Decide(a.next, seed, req, a.part.rules, a.levels)
	if err != nil {
		return err
	}
	a.levels = a.d.Levels
	a.d.Changed = true
	if a.d.Allowed {
		a.d.FailedOpen |= a.applies &^ a.part.closed
	}
	return nil
}

// locate returns the subject's state in what was read: all of it, or a slot.
func (a *asked) locate(req limit.Request) (state []byte, err error) {
	if a.part.subject != ofAddress {
		return a.state, nil
	}
	state, a.place, err = limit.Locate(a.table, a.state, a.address, req, a.part.rules)
	return state, err
}

// store writes the state that follows.
func (p *plugin) store(a *asked) bool {
	if !a.d.Changed {
		return true
	}
	next := a.next
	if a.part.subject == ofAddress {
		table, err := limit.Store(a.table, a.state, a.place, a.next)
		if err != nil {
			p.warn("store state "+string(a.key), err)
			return false
		}
		a.table, next = table, table
	}
	return p.host.setShared(a.key, next, a.cas)
}

// charge stores decisions that all allow.
func (p *plugin) charge(q *question) (stored bool, err error) {
	if q.n == 0 {
		return true, nil // no limit applies
	}
	if !p.store(&q.asked[0]) {
		return false, nil
	}
	if q.n < 2 {
		return true, nil
	}
	second := &q.asked[1]
	for range maxSwaps {
		if p.store(second) {
			return true, nil
		}
		p.stats.swapRetries++
		err := p.judge(q, second, q.take)
		waits := err == nil && q.lacksLease() && p.mayHold(q)
		if err == nil && second.d.Allowed && !waits {
			continue
		}
		p.giveBack(q, &q.asked[0])
		if waits {
			return false, nil
		}
		if err == nil {
			_, err = p.deny(q)
		}
		return true, err
	}
	p.giveBack(q, &q.asked[0])
	return false, errContended
}

// deny stores what a denial changes: little, and seldom anything. The parts that
// would have allowed the request are asked again where they stand without it.
func (p *plugin) deny(q *question) (stored bool, err error) {
	for i := range q.parts() {
		a := &q.asked[i]
		if !a.d.Allowed {
			if !p.store(a) {
				return false, nil
			}
			continue
		}
		if err := p.judge(q, a, [limit.Measures]uint64{}); err != nil {
			return false, err
		}
	}
	return true, nil
}

// lacksLease reports whether nothing but leases is missing to decide: no limit
// whose state is known refuses the request. For a shadow limit nothing waits.
func (q *question) lacksLease() (lacks bool) {
	for i := range q.parts() {
		a := &q.asked[i]
		switch {
		case !a.d.Allowed && !a.d.Unknown:
			return false
		case !a.d.Allowed || a.d.FailedOpen&a.part.quotas&^a.part.shadow != 0:
			lacks = true
		}
	}
	return lacks
}

// postpone charges nothing, and stores that leases were asked for: what has no
// state yet couldn't be granted any.
func (p *plugin) postpone(q *question) (stored bool, err error) {
	for i := range q.parts() {
		a := &q.asked[i]
		if a.applies&a.part.quotas == 0 {
			continue
		}
		if a.d.Allowed { // the same without taking anything
			if err := p.judge(q, a, [limit.Measures]uint64{}); err != nil {
				return false, err
			}
		}
		if !p.store(a) {
			return false, nil
		}
	}
	return true, nil
}

// giveBack undoes the charge of a part: by the state that was there before, or,
// when others have charged since, by settling.
func (p *plugin) giveBack(q *question, a *asked) {
	charged := a.next
	if a.part.subject == ofAddress {
		charged = a.table
	}
	value, cas, found := p.host.getShared(a.key)
	if found && bytes.Equal(value, charged) && p.host.setShared(a.key, a.state, cas) {
		return
	}
	s := q.settlement()
	s.Applies, s.Over, s.Shadowed = a.applies, a.d.Over, a.d.Shadowed
	for m, n := range q.take {
		s.Delta[m] = -int64(n)
	}
	p.settleState(a.key, a.part, a.address, s)
}

// settlement begins the settlement of the question's request.
func (q *question) settlement() limit.Settlement {
	return limit.Settlement{Version: q.version, Epoch: q.epoch, Now: q.nowNS, Wall: q.wall, At: q.nowNS, AtWall: q.wall}
}
