package preview

import (
	"time"

	"github.com/weirhq/weir/controlplane"
)

// player plays the usage of one account through the limits that are played, and
// through those that it has today.
type player struct {
	Account
	draft, today *ruleset
	harm         AccountHarm
	now          Harm // of the minute at hand
}

func newPlayer(a Account, draft, today *tally) *player {
	p := &player{Account: a, draft: newRuleset(a, draft), today: newRuleset(a, today)}
	p.harm.AccountID = a.ID
	return p
}

// add adds a row, and returns how many limits of a single key there are more.
func (p *player) add(row *Row, endpoints map[controlplane.ID]Endpoint) (more int) {
	p.now.Requests += row.Allowed + row.Throttled
	p.now.Throttled += row.Throttled
	return p.draft.add(row, endpoints) + p.today.add(row, endpoints)
}

// play plays the minute whose rows were added, which is in a point.
func (p *player) play(minute, point int64) Harm {
	now := p.now
	p.now = Harm{}
	now.AtMost = p.draft.play(minute, point, now.Requests)
	now.Today.AtMost = p.today.play(minute, point, now.Requests)

	p.harm.Requests += now.Requests
	p.harm.Throttled += now.Throttled
	p.harm.AtMost += now.AtMost
	p.harm.Today.AtMost += now.Today.AtMost
	if now.AtMost > 0 {
		at := time.Unix(minute*60, 0).UTC()
		if p.harm.First == nil {
			p.harm.First = &at
		}
		if now.AtMost > p.harm.WorstAtMost {
			p.harm.Worst, p.harm.WorstAtMost = &at, now.AtMost
		}
	}
	return now
}

// end adds up what was played.
func (p *player) end() *AccountHarm {
	p.harm.AtLeast = min(p.draft.atLeast(), p.harm.AtMost)
	p.harm.Today.AtLeast = min(p.today.atLeast(), p.harm.Today.AtMost)
	if worst := p.draft.worst(); worst != nil {
		p.harm.Limit, p.harm.LimitID = worst.Name, worst.ID
	}
	return &p.harm
}
