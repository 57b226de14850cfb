package postgres_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
)

// pilotModel is what a tier's accounts have, as its history explains it: each by the
// amount of its only limit, which tells versions apart.
type pilotModel struct {
	current int64
	base    map[controlplane.ID]int64 // of accounts on the tier, the pilot aside
	own     map[controlplane.ID]bool  // on another tier
	tried   int64                     // 0: no pilot runs
	percent int
	listed  []controlplane.ID
}

// in tells whether an account is in the pilot; only the database knows who is by
// percentage.
func (m *pilotModel) in(account controlplane.ID, place int) bool {
	return m.tried != 0 && !m.own[account] && (place < m.percent*100 || slices.Contains(m.listed, account))
}

func (m *pilotModel) all(amount int64) {
	m.current = amount
	for account := range m.base {
		m.base[account] = amount
	}
}

// Whatever is done to a tier and its pilots, every account is where the history says.
func TestEveryAccountIsWhereTheHistoryPutsIt(t *testing.T) {
	const steps = 40
	for seed := range uint64(2) {
		random := rand.New(rand.NewPCG(seed, 7))
		p := newPiloted(t, 12)
		other := newTier(t, p.db, "Other", perMinute(7))
		m := &pilotModel{current: 200, base: map[controlplane.ID]int64{}, own: map[controlplane.ID]bool{}}
		for account, amount := range p.allowed() {
			m.base[account] = int64(amount)
		}
		var history []string
		amount := int64(1000)
		for range steps {
			amount++
			account := p.accounts[random.IntN(len(p.accounts))]
			log, was, own := newestSeq(t, p.db, audit.Filter{}), p.allowed(), maps.Clone(m.own)
			history = append(history, p.act(m, random, account, other.ID, amount))
			p.wantModel(m, history)
			p.wantRecorded(log, was, own, account, history)
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	}
}

// newestSeq is the place of the newest record that a filter finds; 0: there is none.
func newestSeq(t *testing.T, db *postgres.DB, f audit.Filter) int64 {
	t.Helper()
	page, err := db.AuditLog(t.Context(), f, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Records) == 0 {
		return 0
	}
	return page.Records[0].Seq
}

// wantRecorded checks that the log, as it goes on after a place, is found by those
// accounts that what was done has changed, and by none that were on another tier.
func (p *piloted) wantRecorded(log int64, was map[controlplane.ID]uint64, own map[controlplane.ID]bool, chosen controlplane.ID, history []string) {
	p.t.Helper()
	for account, amount := range p.allowed() {
		found := newestSeq(p.t, p.db, audit.Filter{AccountID: account}) > log
		if changed := was[account] != amount; changed && !found || found && own[account] && account != chosen {
			p.t.Errorf("account %d went from %d to %d, and it is %v that its log says so; it was %q", account, was[account], amount, found, history)
		}
	}
}

// act does something, in the database and the model, and says what.
func (p *piloted) act(m *pilotModel, random *rand.Rand, account, other controlplane.ID, amount int64) string {
	p.t.Helper()
	ctx, limits := p.t.Context(), amounts(p.tier, amount)
	var err error
	did := func(format string, args ...any) string {
		p.t.Helper()
		if err != nil {
			p.t.Fatalf(format+": %v", append(args, err)...)
		}
		return fmt.Sprintf(format, args...)
	}
	switch what := random.IntN(9); {
	case what == 0:
		_, _, err = p.db.PublishTier(ctx, controlplane.Publication{TierID: p.tier.ID, Limits: limits, Move: toNone})
		m.current = amount
		return did("publish %d for nobody", amount)
	case what == 1:
		_, _, err = p.db.PublishTier(ctx, controlplane.Publication{TierID: p.tier.ID, Limits: limits, Move: toAll})
		m.all(amount)
		return did("publish %d for all", amount)
	case what == 2:
		to := map[bool]controlplane.ID{true: other, false: p.tier.ID}[!m.own[account]]
		_, _, err = p.db.UpdateAccount(ctx, controlplane.AccountEdit{ID: account, TierID: &to})
		m.own[account] = !m.own[account]
		delete(m.base, account)
		if !m.own[account] {
			m.base[account] = m.current
		}
		return did("put %d on tier %d", account, to)
	case what == 3 && !m.own[account]:
		_, _, err = p.db.MoveAccount(ctx, account, p.tier.ID, false, nil)
		m.base[account] = m.current
		return did("move %d to the current version", account)
	case m.tried == 0:
		m.tried, m.percent, m.listed = amount, random.IntN(101), nil
		if !m.own[account] {
			m.listed = append(m.listed, account)
		}
		_, _, err = p.db.StartPilot(ctx, controlplane.NewPilot{TierID: p.tier.ID, Name: "x", Limits: limits, Percent: m.percent, Accounts: m.listed})
		return did("pilot %d on %d percent and %v", amount, m.percent, m.listed)
	case what == 4:
		tried := m.tried
		p.end()
		m.tried = 0
		return did("end the pilot of %d", tried)
	case what == 5:
		tried, move := m.tried, []controlplane.Migration{toNone, toAll}[random.IntN(2)]
		for a, place := range p.places() {
			if m.in(a, place) {
				m.base[a] = tried
			}
		}
		if m.current = tried; move.When == controlplane.MoveNow {
			m.all(tried)
		}
		p.promote(move)
		m.tried = 0
		return did("promote the pilot of %d, %s", tried, move.When)
	default:
		m.percent = random.IntN(101)
		p.percent(m.percent)
		return did("pilot on %d percent", m.percent)
	}
}

// places are where the accounts stand in the split of the last pilot.
func (p *piloted) places() map[controlplane.ID]int {
	p.t.Helper()
	rows, err := p.conn.Query(p.t.Context(), `
		select a, account_place('pilot ' || (select max(id) from pilots where tier_id = $1)::text, a) from unnest($2::bigint[]) a`, p.tier.ID, p.accounts)
	if err != nil {
		p.t.Fatal(err)
	}
	places := map[controlplane.ID]int{}
	var account controlplane.ID
	var place *int
	if _, err := pgx.ForEachRow(rows, []any{&account, &place}, func() error {
		if place != nil {
			places[account] = *place
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
	return places
}

func (p *piloted) wantModel(m *pilotModel, history []string) {
	p.t.Helper()
	want, places := map[controlplane.ID]uint64{}, p.places()
	for _, a := range p.accounts {
		want[a] = uint64(m.base[a])
		if m.own[a] {
			want[a] = 7
		}
		if m.in(a, places[a]) {
			want[a] = uint64(m.tried)
		}
	}
	if got := p.allowed(); !maps.Equal(got, want) {
		p.t.Errorf("after %v:\ngot  %v\nwant %v", history, got, want)
	}
}
