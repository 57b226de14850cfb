package postgres_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

// network has processes talk to the ledger over a line that loses, copies,
// delays and mixes up, with crashes on both sides.
type network struct {
	t       *testing.T
	random  *rand.Rand
	url     string
	db      *postgres.DB
	now     time.Time
	key     wire.LeaseKey
	gates   []*gateway
	dead    map[wire.ProcessID]bool
	reports []wire.LeaseReport
	replies []arriving
	used    map[int64]uint64 // by the start of the period, less what was given back
	over    map[int64]uint64 // let through beyond leases
}

type arriving struct {
	at     *gateway
	leases []wire.LeaseGrant
}

func (n *network) start() {
	g := newGateway(n.t, nil, byte(len(n.gates)+1), n.key)
	g.held.Born = int64(len(n.gates) + 1)
	n.gates = append(n.gates, g)
}

// some takes one out of a list, or now and then a copy of one.
func some[T any](random *rand.Rand, list *[]T) (one T, ok bool) {
	if len(*list) == 0 {
		return one, false
	}
	i := random.IntN(len(*list))
	one = (*list)[i]
	if random.IntN(4) > 0 {
		*list = slices.Delete(*list, i, i+1)
	}
	return one, true
}

func (n *network) step() {
	g := n.gates[n.random.IntN(len(n.gates))]
	alive := !n.dead[g.id]
	switch p := n.random.IntN(100); {
	case p < 25 && alive: // use what is held
		h := &g.held
		if net := h.Used - h.Refunded; h.Start != 0 && net < h.Granted && n.now.Unix() < h.Start+3600 {
			took := 1 + n.random.Uint64N(h.Granted-net)
			h.Used += took
			n.used[h.Start] += took
		}
	case p < 28 && alive: // give some back
		h := &g.held
		if net := h.Used - h.Refunded; h.Start != 0 && net > 0 {
			gave := 1 + n.random.Uint64N(net)
			h.Refunded += gave
			n.used[h.Start] -= gave
		}
	case p < 32 && alive: // let some through that nobody leased
		if h := &g.held; h.Start != 0 {
			over := 1 + n.random.Uint64N(5)
			h.Used += over
			n.used[h.Start] += over
			n.over[h.Start] += over
		}
	case p < 50 && alive:
		h := g.held
		h.Asks, h.Wants, h.Recent = n.random.IntN(2) == 0, n.random.Uint64N(50), n.random.Uint64N(2000)
		n.reports = append(n.reports, wire.LeaseReport{Process: g.id, Node: "n", Held: []wire.HeldLease{h}})
	case p < 75:
		if r, ok := some(n.random, &n.reports); ok {
			n.arrive(r)
		}
	case p < 90:
		if r, ok := some(n.random, &n.replies); ok && !n.dead[r.at.id] && n.random.IntN(4) > 0 {
			for _, l := range r.leases {
				if l.Born != 0 || l.Start == r.at.held.Start && l.Granted < r.at.held.Granted {
					r.at.take(l)
				}
			}
		}
	case p < 91:
		n.dead[g.id] = true
	case p < 94 && len(n.gates) < 12:
		n.start()
	case p < 95 && alive: // its count is lost
		g.held = wire.HeldLease{LeaseKey: n.key, Born: g.held.Born + 1000}
	case p < 97: // the control plane starts again
		n.db.Close()
		n.db = connect(n.t, n.url)
	default:
		n.now = n.now.Add(time.Duration(n.random.IntN(120)) * time.Second)
		if _, err := n.db.CloseSilentLeases(n.t.Context(), n.now); err != nil {
			n.t.Fatal(err)
		}
	}
}

func (n *network) arrive(r wire.LeaseReport) {
	ctx, cancel := context.WithCancel(n.t.Context())
	defer cancel()
	if n.random.IntN(10) == 0 {
		cancel() // the control plane dies over it
	}
	reply, err := n.db.ReportLeases(ctx, &r, n.now)
	if err != nil {
		if ctx.Err() == nil {
			n.t.Fatal(err)
		}
		return
	}
	i := slices.IndexFunc(n.gates, func(g *gateway) bool { return g.id == r.Process })
	n.replies = append(n.replies, arriving{n.gates[i], reply.Leases})
}

func TestFaultsNeverOverspendAQuota(t *testing.T) {
	const amount, steps = 6000, 300
	for seed := range uint64(6) {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			url := databases.New(t)
			db := connect(t, url)
			hourly := daily(amount)
			hourly.Period = controlplane.Hour
			tier := newTier(t, db, "Basic", hourly)
			account := newAccount(t, db, "Birch", tier.ID)
			n := &network{
				t: t, random: rand.New(rand.NewPCG(seed, 7)), url: url, db: db, now: midday,
				key:  wire.LeaseKey{Account: uint64(account.ID), Limit: uint64(tier.Limits[0].ID)},
				dead: map[wire.ProcessID]bool{}, used: map[int64]uint64{}, over: map[int64]uint64{},
			}
			for range 3 {
				n.start()
			}
			for step := range steps {
				n.step()
				for start, used := range n.used {
					if used > amount+n.over[start] {
						t.Fatalf("seed %d, step %d: %d of %d are used in the period from %v, %d let through", seed, step, used, amount, time.Unix(start, 0).UTC(), n.over[start])
					}
				}
				if s := standing(t, n.db, n.key.Account, n.now); s.Consumed+s.Outstanding > amount {
					t.Fatalf("seed %d, step %d: %+v", seed, step, s)
				}
			}
			wantSound(t, url)
			if len(n.used) == 0 {
				for _, g := range n.gates {
					t.Logf("dead %v %+v", n.dead[g.id], g.held)
				}
				t.Errorf("nothing was ever used; %d reports and %d replies are on their way, %+v", len(n.reports), len(n.replies), standing(t, n.db, n.key.Account, n.now))
			}
		})
	}
}
