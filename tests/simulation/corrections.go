package simulation

import (
	"strconv"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// correction is a correction of past usage, or an import of some, as the store
// keeps it.
type correction struct {
	controlplane.NewCorrection
	terms usage.Terms
}

// clerk asks for corrections, each until it hears that it is made; and sometimes
// once more.
func (p *path) clerk() {
	if p.healed {
		return
	}
	p.made++
	c := &controlplane.NewCorrection{
		Kind: controlplane.KindAdjustment, ClientID: strconv.Itoa(p.made), AccountID: controlplane.ID(1 + p.pick(3)),
		At:       time.UnixMilli(p.plan.startMS + p.now/millisecond).Add(-time.Duration(p.between(0, 40*24*3600)) * time.Second).UTC(),
		Requests: p.between(-3, 9), Cost: p.between(1, 20), MeterID: 1, Amount: p.between(-5, 5), Reason: "as agreed",
	}
	if p.chance(0.5) {
		c.Kind, c.Requests, c.Amount = controlplane.KindImport, p.between(1, 50), p.between(0, 50)
	}
	p.asking++
	p.askFor(c)
	p.after(p.between(1, 10*second), p.clerk)
}

// askFor asks for one correction. Each way, or the answer alone, may be lost.
func (p *path) askFor(c *controlplane.NewCorrection) {
	heard := p.store.correct(c) && !p.chance(p.plan.unheard)
	if !heard || p.chance(p.plan.repeat) {
		p.after(p.between(1, 3*second), func() { p.askFor(c) })
		return
	}
	p.asking--
}

// correct makes a correction unless it has been made, as package postgres does.
func (s *store) correct(c *controlplane.NewCorrection) (made bool) {
	p := s.path
	if !s.up || s.full || p.chance(p.plan.refuse) {
		return false
	}
	if s.path.parts.knows(s, c) {
		p.note("knows a correction", "store")
		return true
	}
	p.note("corrects", "store")
	t := &correction{*c, p.terms()}
	p.parts.correct(s, t)
	s.journal = append(s.journal, transaction{correction: t})
	return true
}

func (s *store) knows(c *controlplane.NewCorrection) bool {
	made, ok := s.corrections[c.ClientID]
	return ok && made.Kind == c.Kind
}

// addCorrection adds a correction to every level.
func (s *store) addCorrection(c *correction) {
	s.corrections[c.ClientID] = c
	row, m := c.rows()
	s.addRollups(c.terms.RollUp([]usage.Row{row}, nil, []usage.MeterRow{m}))
}

func (c *correction) rows() (usage.Row, usage.MeterRow) {
	minute, decision := c.At.Unix()/60, explore.Corrected
	if c.Kind == controlplane.KindImport {
		decision = explore.Imported
	}
	return usage.Row{
			EntryKey: wire.EntryKey{Minute: minute, Account: uint64(c.AccountID), Decision: decision},
			Sums:     usage.Sums{Requests: c.Requests, Cost: c.Cost},
		}, usage.MeterRow{
			MeterKey:  wire.MeterKey{Minute: minute, Account: uint64(c.AccountID), Meter: uint64(c.MeterID)},
			Corrected: c.Amount,
		}
}

// addPlain adds a correction level by level: what the product's arithmetic is
// compared with.
func (t tables) addPlain(c *correction) {
	row, m := c.rows()
	t.addSums(row.EntryKey, &row.Sums, nil, c.terms)
	for l := usage.Minutes; l <= usage.Months; l++ {
		k := meterKey{l, m.MeterKey}
		if k.Minute = bucketOf(l, m.Minute); c.terms.Kept[l].Has(k.Minute) {
			t.meters[k] = t.meters[k].plus(0, 0, m.Corrected)
		}
	}
}

// finishCorrections adds what has been corrected to what there should be: each
// correction that the store ever made, once, unless a failover took it back.
func (a *audit) finishCorrections(all tables) {
	seen := map[string]bool{}
	for _, t := range a.path.store.journal {
		if c := t.correction; c != nil && !seen[c.ClientID] {
			seen[c.ClientID] = true
			all.addPlain(c)
		}
	}
	for n := 1; n <= a.path.made && !a.failedOver; n++ {
		if id := strconv.Itoa(n); !seen[id] {
			a.path.violate("correction %s was asked for until it was made, and isn't in the store", id)
		}
	}
}
