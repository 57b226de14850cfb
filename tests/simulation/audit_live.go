package simulation

import (
	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/controlplane/stream"
	"github.com/weirhq/weir/plugin/wire"
)

// hears notes what a worker has to announce.
func (a *audit) hears(w *worker, fresh []*wire.Batch) {
	owed := a.owed[w]
	if owed == nil {
		owed = map[controlplane.ID]live.Counts{}
		a.owed[w] = owed
	}
	for _, b := range fresh {
		addCounts(owed, b, 1)
	}
}

func (a *audit) forgetRound(w *worker) { clear(a.owed[w]) }

// announced checks that live readers learn of what is committed, once.
func (a *audit) announced(w *worker, payload []byte) {
	d, err := live.Decode(payload)
	if err != nil {
		a.path.violate("an announcement can't be read: %v", err)
	}
	for id, c := range d.Accounts {
		a.told[id] = plus(a.told[id], c, 1)
		if more := plus(a.ever[id], a.told[id], -1); more.Requests < 0 {
			a.path.violate("%d requests more of account %d were announced than committed", -more.Requests, id)
		}
		if a.owed[w] != nil {
			a.owed[w][id] = plus(a.owed[w][id], c, -1)
		}
	}
}

// roundEnds checks that a worker has told everybody what there was to tell.
func (a *audit) roundEnds(w *worker, round []stream.Message) {
	for id, c := range a.owed[w] {
		if c != (live.Counts{}) {
			a.path.violate("%s left %d requests of account %d unannounced", w.name, c.Requests, id)
		}
	}
	for _, m := range round {
		if d := m.(*delivered); d.settled != 1 {
			a.path.violate("%s told the log %d times how batch %d ended", w.name, d.settled, d.of.sequence)
		}
	}
}

func addCounts(sums map[controlplane.ID]live.Counts, b *wire.Batch, sign int64) {
	for i := range b.Entries {
		e := &b.Entries[i]
		c := live.Counts{Requests: int64(e.Requests), BytesIn: int64(e.BytesIn), BytesOut: int64(e.BytesOut)}
		switch e.Decision {
		case wire.Allowed:
			c.Allowed = c.Requests
		case wire.Throttled:
			c.Throttled = c.Requests
		}
		sums[controlplane.ID(e.Account)] = plus(sums[controlplane.ID(e.Account)], c, sign)
	}
}

func plus(a, b live.Counts, sign int64) live.Counts {
	return live.Counts{
		Requests: a.Requests + sign*b.Requests, Allowed: a.Allowed + sign*b.Allowed, Throttled: a.Throttled + sign*b.Throttled,
		BytesIn: a.BytesIn + sign*b.BytesIn, BytesOut: a.BytesOut + sign*b.BytesOut,
	}
}
