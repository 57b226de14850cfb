package filter

import (
	"errors"
	"strconv"

	"github.com/weirhq/weir/plugin/limit"
	"github.com/weirhq/weir/plugin/wire"
)

// maxSwaps bounds how often a request tries to store its decision. Each time it
// fails another worker has stored one for the same account, so this many in a
// row mean that something is broken; then the request is refused rather than
// let through uncounted.
const maxSwaps = 128

var (
	errContended = errors.New("decide: the account's state changed too often")
	errOutdated  = errors.New("decide: there is a newer snapshot")
)

// question is what is to be decided of a request.
type question struct {
	account wire.AccountRef
	tier    wire.TierRef
	rules   []limit.Rule
	applies uint64
}

// ask prepares the question for an account's request to an endpoint, 0 for none.
func (y *policy) ask(a wire.AccountRef, endpoint uint64) question {
	t := y.snapshot.Tier(a.Tier)
	return question{
		account: a,
		tier:    t,
		rules:   y.rules[t.FirstLimit : t.FirstLimit+t.Limits],
		applies: y.snapshot.Applies(a.Tier, endpoint),
	}
}

// decide checks a request against all limits that apply and charges all of them
// or none. The decision is stored in shared data by compare-and-swap before it
// counts, so it is exact whatever other workers do. It fails with [errOutdated],
// having charged nothing, when a worker with a newer snapshot was here before.
// The levels of the decision are valid until the next one.
func (p *plugin) decide(q question) (limit.Decision, error) {
	key := strconv.AppendUint(append(p.scratch.key[:0], "a/"...), q.account.ID, 10)
	p.scratch.key = key
	for range maxSwaps {
		state, cas, found := readShared(key)
		req := limit.Request{
			Version: p.policy.version,
			Now:     p.system.MonotonicNS(),
			Applies: q.applies,
			Cost:    1, // limits are in requests
		}
		next, d, err := p.decideOn(state, found, req, q.rules)
		if err != nil {
			return d, err
		}
		if d.Behind && p.loadNewerSnapshot() {
			return d, errOutdated
		}
		if !d.Changed && found || swapShared(key, next, cas) {
			return d, nil
		}
		p.stats.swapRetries++
	}
	p.stats.swapsExhausted++
	return limit.Decision{}, errContended
}

// decideOn decides on a state as read. An account without one is new: all of its
// limits are full. So is, for want of anything better, one whose state another
// program wrote.
func (p *plugin) decideOn(state []byte, found bool, req limit.Request, rules []limit.Rule) ([]byte, limit.Decision, error) {
	s := &p.scratch
	if found {
		next, d, err := limit.Decide(s.next, state, req, rules, s.levels)
		if err == nil {
			s.next, s.levels = next, d.Levels
			return next, d, nil
		}
		if !errors.Is(err, limit.ErrMalformed) {
			return nil, d, err
		}
		p.stats.statesReplaced++
		p.warn("replace state "+string(s.key), err)
	}
	seed, err := limit.Seed(s.state, req.Version, req.Now, rules)
	if err != nil {
		return nil, limit.Decision{}, err
	}
	s.state = seed
	next, d, err := limit.Decide(s.next, seed, req, rules, s.levels)
	if err != nil {
		return nil, d, err
	}
	d.Changed = true
	s.next, s.levels = next, d.Levels
	return next, d, nil
}
