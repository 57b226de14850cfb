package simulation

import (
	"slices"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

type accounts = func(usage.Source, []usage.OpenMissing) ([]controlplane.ID, []usage.Missing)

// bookBugs are in what is written beside batches: of what is missing, and of
// corrections; and in what a filter gives up when it is short of memory.
var bookBugs = []bug{
	{"gaps aren't written down", 300, accounting(func(account accounts, s usage.Source, open []usage.OpenMissing) ([]controlplane.ID, []usage.Missing) {
		resolved, found := account(s, open)
		return resolved, slices.DeleteFunc(found, func(m usage.Missing) bool { return m.Kind == usage.Gap })
	})},
	{"who falls silent leaves nothing", 300, accounting(func(account accounts, s usage.Source, open []usage.OpenMissing) ([]controlplane.ID, []usage.Missing) {
		s.Counted = s.BatchCounted
		return account(s, open)
	})},
	{"what is missing is found again by each sweep", 300, accounting(func(account accounts, s usage.Source, _ []usage.OpenMissing) ([]controlplane.ID, []usage.Missing) {
		return account(s, nil)
	})},
	{"what has come after all stays missing", 1000, accounting(func(account accounts, s usage.Source, open []usage.OpenMissing) ([]controlplane.ID, []usage.Missing) {
		_, found := account(s, open)
		return nil, found
	})},
	{"a correction that is asked for again is made again", 100, func(p *parts) {
		p.knows = func(*store, *controlplane.NewCorrection) bool { return false }
	}},
	{"a correction is known before it counts", 100, func(p *parts) {
		p.correct = func(s *store, c *correction) {
			if s.corrections[c.ClientID] = c; !s.path.chance(s.path.plan.refuse) {
				s.addCorrection(c)
			}
		}
	}},
	{"corrections are not in the accounts' own days", 100, func(p *parts) {
		p.correct = func(s *store, c *correction) {
			inUTC := *c
			inUTC.terms.Zones = nil
			s.addCorrection(&inUTC)
		}
	}},
	{"imports count as adjustments", 100, func(p *parts) {
		p.correct = func(s *store, c *correction) {
			adjusted := *c
			adjusted.Kind = controlplane.KindAdjustment
			s.addCorrection(&adjusted)
		}
	}},
	{"a filter short of memory forgets costs", 600, folded(func(e *wire.Entry) { e.Cost = 0 })},
	{"a filter short of memory mixes accounts", 600, folded(func(e *wire.Entry) { e.Account = 0 })},
	{"a filter short of memory takes the quarter of an hour before", 600, folded(func(e *wire.Entry) { e.Minute -= 15 })},
}

func accounting(wrong func(accounts, usage.Source, []usage.OpenMissing) ([]controlplane.ID, []usage.Missing)) func(*parts) {
	return func(p *parts) {
		account := p.account
		p.account = func(s usage.Source, open []usage.OpenMissing) ([]controlplane.ID, []usage.Missing) {
			return wrong(account, s, open)
		}
	}
}

// folded spoils what a meter has folded.
func folded(spoil func(*wire.Entry)) func(*parts) {
	return func(p *parts) {
		p.newMeter = func(c meter.Config) usageMeter { return &spoiledMeter{meter.New(c), spoil} }
	}
}

type spoiledMeter struct {
	usageMeter
	spoil func(*wire.Entry)
}

func (m *spoiledMeter) Next(nowNS, wallMS int64, snapshot uint64) (meter.Send, bool) {
	send, due := m.usageMeter.Next(nowNS, wallMS, snapshot)
	if b, err := wire.DecodeBatch(send.Body); due && err == nil && isFolded(b) {
		for i := range b.Entries {
			if e := &b.Entries[i]; e.Tier == 0 {
				m.spoil(e)
			}
		}
		b.Sort()
		if body, err := wire.EncodeBatch(nil, b); err == nil {
			send.Body = body
		}
	}
	return send, due
}
