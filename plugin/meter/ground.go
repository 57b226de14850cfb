package meter

import "github.com/weirhq/weir/plugin/wire"

// Bounds of the ground. Each is how many there are when the next detail is given
// up; the last one of each kind can only be reached by requests of all decisions
// in hundreds of quarters of an hour, or by thousands of meters or limits.
const (
	maxQuarterEntries = 32_768 // with quarter of an hour and account
	maxAccountEntries = 49_152 // with account
	maxGroundEntries  = 51_200 // without account, and of one minute the few more that decisions are

	maxQuarterMeters = 16_384
	maxAccountMeters = 20_480
	maxGroundMeters  = 24_576

	maxAccountVerdicts = 16_384
	maxGroundVerdicts  = 20_480
	maxLastVerdicts    = 8_192 // without account and of one minute

	groundMinutes = 15
)

// ground is the oldest usage of a long outage, which the shelf has no room for.
type ground struct{ counts }

func quarterOf(minute int64) int64 { return minute - minute%groundMinutes }

// bury moves what is in b into the ground. It returns how many declarations and
// verdicts there was no room for.
func (g *ground) bury(b *wire.Batch) (lost uint64) {
	for i := range b.Entries {
		g.addEntry(&b.Entries[i])
	}
	for i := range b.Meters {
		m := &b.Meters[i]
		if !g.addMeter(m) {
			lost += m.Requests
		}
	}
	for i := range b.Verdicts {
		if v := &b.Verdicts[i]; !g.addVerdict(v) {
			lost += v.Requests
		}
	}
	return lost
}

func (g *ground) addEntry(e *wire.Entry) {
	to := &g.entries.entries[g.slot(wire.EntryKey{Minute: quarterOf(e.Minute), Account: e.Account, Decision: e.Decision})]
	to.Requests = addCapped(to.Requests, e.Requests)
	to.Shadowed = addCapped(to.Shadowed, e.Shadowed)
	to.Cost = addCapped(to.Cost, e.Cost)
	to.BytesIn = addCapped(to.BytesIn, e.BytesIn)
	to.BytesOut = addCapped(to.BytesOut, e.BytesOut)
	to.DurationUS = addCapped(to.DurationUS, e.DurationUS)
	g.entries.requests += e.Requests
}

// slot finds the entry that usage of this key is counted in.
func (g *ground) slot(k wire.EntryKey) int32 {
	t := &g.entries
	i, ok := t.find(k, maxQuarterEntries)
	if !ok {
		quarter := k.Minute
		k.Minute = t.entries[0].Minute
		if i, ok = t.find(k, maxAccountEntries); ok {
			return i
		}
		k.Minute, k.Account = quarter, 0
		i, ok = t.find(k, maxGroundEntries)
	}
	if !ok {
		k.Minute = t.entries[0].Minute
		i, _ = t.find(k, maxGroundEntries+256)
	}
	return i
}

func (g *ground) addVerdict(v *wire.VerdictEntry) bool {
	k := v.VerdictKey
	k.Minute = quarterOf(k.Minute)
	if g.verdicts.add(k, v.Requests, v.Amount, maxAccountVerdicts) {
		return true
	}
	k.Account = 0
	if g.verdicts.add(k, v.Requests, v.Amount, maxGroundVerdicts) {
		return true
	}
	k.Minute = g.verdicts.all[0].Minute
	return g.verdicts.add(k, v.Requests, v.Amount, maxGroundVerdicts+maxLastVerdicts)
}

func (g *ground) addMeter(m *wire.MeterEntry) bool {
	d, k := &g.declared, wire.MeterKey{Minute: quarterOf(m.Minute), Account: m.Account, Meter: m.Meter}
	if d.add(k, m.Requests, m.Amount, maxQuarterMeters) {
		return true
	}
	quarter := k.Minute
	k.Minute = d.all[0].Minute
	if d.add(k, m.Requests, m.Amount, maxAccountMeters) {
		return true
	}
	k.Account = 0
	if k.Minute = quarter; d.add(k, m.Requests, m.Amount, maxGroundMeters) {
		return true
	}
	k.Minute = d.all[0].Minute
	return d.add(k, m.Requests, m.Amount, maxGroundMeters+256)
}
