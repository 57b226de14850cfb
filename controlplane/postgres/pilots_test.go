package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

// piloted is a tier with accounts that have a key each: the first third of them
// grandfathered on version 1, which allows 100, the others on version 2, with 200.
type piloted struct {
	t        *testing.T
	db       *postgres.DB
	conn     *pgx.Conn
	tier     controlplane.Tier
	accounts []controlplane.ID
}

func newPiloted(t *testing.T, accounts int) *piloted {
	t.Helper()
	url := databases.New(t)
	p := &piloted{t: t, db: connect(t, url), conn: dial(t, url)}
	p.tier = newTier(t, p.db, "Professional", perMinute(100))
	for i := range accounts {
		if i == accounts/3 {
			p.tier = publish(t, p.db, controlplane.Publication{TierID: p.tier.ID, Limits: amounts(p.tier, 200), Move: toNone})
		}
		account := newAccount(t, p.db, fmt.Sprint("account ", i), p.tier.ID).ID
		newKey(t, p.db, account)
		p.accounts = append(p.accounts, account)
	}
	return p
}

var toNone, toAll = controlplane.Migration{When: controlplane.MoveNone}, controlplane.Migration{When: controlplane.MoveNow}

func (p *piloted) start(percent int, accounts ...controlplane.ID) controlplane.Pilot {
	p.t.Helper()
	n := controlplane.NewPilot{TierID: p.tier.ID, Name: "800 a minute", Limits: amounts(p.tier, 800), Percent: percent, Accounts: accounts}
	if err := n.Validate(); err != nil {
		p.t.Fatal(err)
	}
	if _, _, err := p.db.StartPilot(p.t.Context(), n); err != nil {
		p.t.Fatal(err)
	}
	return p.pilot()
}

// pilot returns the tier's last one.
func (p *piloted) pilot() controlplane.Pilot {
	p.t.Helper()
	pilots, err := p.db.PilotsByTier(p.t.Context(), []controlplane.ID{p.tier.ID})
	if err != nil || len(pilots) != 1 {
		p.t.Fatal(pilots, err)
	}
	return pilots[0]
}

func (p *piloted) percent(percent int) {
	p.t.Helper()
	if _, _, err := p.db.ChangePilot(p.t.Context(), controlplane.PilotEdit{ID: p.pilot().ID, Percent: &percent}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *piloted) end() {
	p.t.Helper()
	if _, _, err := p.db.EndPilot(p.t.Context(), p.pilot().ID, nil); err != nil {
		p.t.Fatal(err)
	}
}

func (p *piloted) promote(move controlplane.Migration) {
	p.t.Helper()
	tier, _, err := p.db.PromotePilot(p.t.Context(), controlplane.Promotion{ID: p.pilot().ID, Move: move})
	if err != nil {
		p.t.Fatal(err)
	}
	p.tier = tier
}

// allowed returns what each account may send in a minute, by the policy that the filter
// gets, and checks that the database says the same of its version.
func (p *piloted) allowed() map[controlplane.ID]uint64 {
	p.t.Helper()
	policy, allowed := readPolicy(p.t, p.db), map[controlplane.ID]uint64{}
	amountOf := map[uint64]uint64{}
	for _, plan := range policy.Plans {
		amountOf[plan.ID] = plan.Limits[0].Amount
	}
	for _, k := range policy.Keys {
		allowed[controlplane.ID(k.Account)] = amountOf[k.Plan]
	}
	rows, err := p.conn.Query(p.t.Context(), `
		select v.account_id, l.amount from account_versions v join version_limits l on l.version_id = v.version_id where v.account_id = any($1)`, p.accounts)
	if err != nil {
		p.t.Fatal(err)
	}
	var account, amount int64
	_, err = pgx.ForEachRow(rows, []any{&account, &amount}, func() error {
		if got := allowed[controlplane.ID(account)]; got != uint64(amount) {
			p.t.Errorf("account %d: the policy allows %d, its version %d", account, got, amount)
		}
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return allowed
}

// inside returns the accounts that are on the pilot's limits; of the others, it checks
// that they have what they had before.
func (p *piloted) inside(before map[controlplane.ID]uint64) []controlplane.ID {
	p.t.Helper()
	var in []controlplane.ID
	for id, amount := range p.allowed() {
		had, known := before[id]
		switch {
		case !known: // it has come since
		case amount == 800:
			in = append(in, id)
		case amount != had:
			p.t.Errorf("account %d: %d are allowed, %d before", id, amount, before[id])
		}
	}
	slices.Sort(in)
	return in
}

func TestPilot(t *testing.T) {
	p := newPiloted(t, 60)
	before := p.allowed()
	limit := p.tier.Limits[0].ID

	t.Run("puts a percentage of the accounts on other limits", func(t *testing.T) {
		pilot := p.start(20)
		in := p.inside(before)
		if len(in) < 3 || len(in) > 25 {
			t.Errorf("%d of 60 accounts are in a pilot of 20 percent", len(in))
		}
		if plan := planOf(t, readPolicy(t, p.db), in[0]); plan.Limits[0].ID != uint64(limit) || plan.Tier != uint64(p.tier.ID) {
			t.Errorf("a limit does not keep its identity: %+v", plan)
		}
		standings, err := p.db.Standings(t.Context(), in[:1])
		if err != nil || standings[0].PilotID != pilot.ID || standings[0].VersionID != pilot.VersionID {
			t.Errorf("%+v, %v", standings, err)
		}
		counts, err := p.db.VersionCounts(t.Context(), []controlplane.ID{pilot.VersionID})
		if err != nil || counts[pilot.VersionID] != len(in) {
			t.Errorf("%v, %v; want %d", counts, err, len(in))
		}
	})
	t.Run("a growing percentage only adds, a shrinking one takes out the last", func(t *testing.T) {
		few := p.inside(before)
		p.percent(60)
		many := p.inside(before)
		for _, id := range few {
			if !slices.Contains(many, id) {
				t.Errorf("account %d is out", id)
			}
		}
		if len(many) <= len(few) {
			t.Errorf("%d, then %d", len(few), len(many))
		}
		p.percent(20)
		if again := p.inside(before); !slices.Equal(again, few) {
			t.Errorf("%v, then %v", few, again)
		}
	})
	t.Run("takes accounts by a list besides", func(t *testing.T) {
		p.percent(0)
		list := []controlplane.ID{p.accounts[3], p.accounts[40]}
		if _, _, err := p.db.ChangePilot(t.Context(), controlplane.PilotEdit{ID: p.pilot().ID, Accounts: &list}); err != nil {
			t.Fatal(err)
		}
		if in := p.inside(before); !slices.Equal(in, list) || !slices.Equal(p.pilot().Accounts, list) {
			t.Errorf("%v are in it, want %v", in, list)
		}
		shorter := list[:1]
		if _, _, err := p.db.ChangePilot(t.Context(), controlplane.PilotEdit{ID: p.pilot().ID, Accounts: &shorter}); err != nil {
			t.Fatal(err)
		}
		if in := p.inside(before); !slices.Equal(in, shorter) {
			t.Errorf("%v are in it, want %v", in, shorter)
		}
	})
	t.Run("has accounts that come to the tier, and lets go those that leave", func(t *testing.T) {
		p.percent(100)
		fresh := newAccount(t, p.db, "fresh", p.tier.ID)
		newKey(t, p.db, fresh.ID)
		wantOn(t, p.db, fresh.ID, 0, 800)
		other := newTier(t, p.db, "Other", perMinute(7))
		move := func(tier controlplane.ID) {
			t.Helper()
			if _, _, err := p.db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: fresh.ID, TierID: &tier}); err != nil {
				t.Fatal(err)
			}
		}
		move(other.ID)
		wantOn(t, p.db, fresh.ID, 1, 7)
		move(p.tier.ID)
		wantOn(t, p.db, fresh.ID, 0, 800)
		move(other.ID)
	})
	t.Run("an override of the limit still holds, and an account that is suspended stays in it", func(t *testing.T) {
		account := p.accounts[5]
		setOverride(t, p.db, controlplane.Override{AccountID: account, LimitID: limit, Amount: 9})
		if plan := planOf(t, readPolicy(t, p.db), account); plan.Limits[0].Amount != 9 {
			t.Errorf("%+v", plan)
		}
		if _, _, err := p.db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: account, Status: controlplane.AccountSuspended}); err != nil {
			t.Fatal(err)
		}
		if standings, err := p.db.Standings(t.Context(), []controlplane.ID{account}); err != nil || standings[0].PilotID != p.pilot().ID {
			t.Errorf("%+v, %v", standings, err)
		}
		if _, err := p.conn.Exec(t.Context(), `delete from overrides`); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("leaves everybody where they were when it ends, grandfathered or not", func(t *testing.T) {
		p.end()
		if in := p.inside(before); len(in) != 0 {
			t.Errorf("%v are still on its limits", in)
		}
		wantOn(t, p.db, p.accounts[0], 1, 100)
		wantOn(t, p.db, p.accounts[50], 2, 200)
		if e := p.pilot(); e.State != controlplane.PilotEnded || e.EndedAt == nil || e.EndedBy.Name != "weir" {
			t.Errorf("%+v", e)
		}
	})
	t.Run("is recorded", func(t *testing.T) {
		page, err := p.db.AuditLog(t.Context(), audit.Filter{Actions: []audit.Action{audit.StartPilot, audit.ChangePilot, audit.EndPilot}}, 0, 20)
		if err != nil || len(page.Records) != 8 {
			t.Errorf("%d records, %v", len(page.Records), err)
		}
	})
}

func TestPilotAndWhatElseBecomesOfItsTier(t *testing.T) {
	t.Run("a version that is published meanwhile is for the others, and for all at the end", func(t *testing.T) {
		p := newPiloted(t, 12)
		p.start(0, p.accounts[0], p.accounts[11])
		publish(t, p.db, controlplane.Publication{TierID: p.tier.ID, Limits: amounts(p.tier, 300), Move: toAll})
		wantOn(t, p.db, p.accounts[1], 3, 300)
		wantOn(t, p.db, p.accounts[0], 0, 800)
		if _, _, err := p.db.UpdateTier(t.Context(), controlplane.TierEdit{ID: p.tier.ID, Limits: amounts(p.tier, 400)}); err != nil {
			t.Fatal(err)
		}
		wantOn(t, p.db, p.accounts[1], 4, 400)
		wantOn(t, p.db, p.accounts[11], 0, 800)
		p.end()
		wantOn(t, p.db, p.accounts[0], 4, 400)
		wantOn(t, p.db, p.accounts[11], 4, 400)
	})
	t.Run("a move goes on below it", func(t *testing.T) {
		p := newPiloted(t, 12)
		p.tier = publish(t, p.db, controlplane.Publication{
			TierID: p.tier.ID, Limits: amounts(p.tier, 300), Move: controlplane.Migration{When: controlplane.MoveSteps, Steps: []int{50, 100}, StepMinutes: 1},
		})
		pilot := p.start(0, p.accounts...)
		for range 2 {
			if _, err := p.conn.Exec(t.Context(), due); err != nil {
				t.Fatal(err)
			}
			if err := p.db.CarryOutMoves(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantOn(t, p.db, p.accounts[0], 0, 800)
		}
		p.end()
		for _, account := range p.accounts {
			wantOn(t, p.db, account, 3, 300)
		}
		if again := p.start(10); again.ID == pilot.ID {
			t.Errorf("it is pilot %d again", again.ID)
		}
	})
	t.Run("an account that is moved has that when it ends", func(t *testing.T) {
		p := newPiloted(t, 3)
		account := p.accounts[0]
		p.start(0, account)
		if _, _, err := p.db.MoveAccount(t.Context(), account, p.tier.ID, false, nil); err != nil {
			t.Fatal(err)
		}
		page, err := p.db.AuditLog(t.Context(), audit.Filter{Actions: []audit.Action{audit.MoveAccount}}, 0, 1)
		if want := controlplane.KindVersion.Format(p.tier.VersionID - 1); err != nil || !strings.Contains(string(page.Records[0].Before), want) {
			t.Errorf("the record says %s, %v; want a move from %s", page.Records[0].Before, err, want)
		}
		wantOn(t, p.db, account, 0, 800)
		p.end()
		wantOn(t, p.db, account, 2, 200)
	})
	t.Run("a copy has the limits of the current version", func(t *testing.T) {
		p := newPiloted(t, 3)
		p.start(100)
		if copied, _, err := p.db.CopyTier(t.Context(), p.tier.ID, "Copy"); err != nil || copied.Limits[0].Amount != 200 {
			t.Errorf("%+v, %v", copied, err)
		}
	})
	t.Run("a tier goes with its pilots", func(t *testing.T) {
		p := newPiloted(t, 0)
		p.start(100)
		if _, err := p.db.DeleteTier(t.Context(), p.tier.ID, nil); err != nil {
			t.Fatal(err)
		}
		readPolicy(t, p.db)
	})
	t.Run("what it tries can't be changed, and an endpoint that it names stays till its end", func(t *testing.T) {
		p := newPiloted(t, 3)
		endpoint, _, err := p.db.CreateEndpoint(t.Context(), controlplane.Endpoint{Method: "GET", Template: "/v1/users", Cost: 1})
		if err != nil {
			t.Fatal(err)
		}
		limits := append(*amounts(p.tier, 800), onEndpoint(rate("users", 1, controlplane.Hour, 1), endpoint.ID))
		if _, _, err := p.db.StartPilot(t.Context(), controlplane.NewPilot{TierID: p.tier.ID, Name: "users", Limits: &limits, Percent: 100}); err != nil {
			t.Fatal(err)
		}
		version := p.pilot().VersionID
		for _, sql := range []string{`update version_limits set amount = 1 where version_id = $1`, `delete from tier_versions where id = $1`, `update tier_versions set note = 'x' where id = $1`} {
			if _, err := p.conn.Exec(t.Context(), sql, version); err == nil {
				t.Errorf("%s: done", sql)
			}
		}
		_, err = p.db.DeleteEndpoint(t.Context(), endpoint.ID, nil)
		wantFault(t, err, controlplane.CodeConflict, "id")
		if plan := planOf(t, readPolicy(t, p.db), p.accounts[0]); len(plan.Limits) != 2 {
			t.Errorf("plan %+v", plan)
		}
		p.end()
		if plan := planOf(t, readPolicy(t, p.db), p.accounts[0]); len(plan.Limits) != 1 {
			t.Errorf("plan %+v", plan)
		}
		if _, err := p.db.DeleteEndpoint(t.Context(), endpoint.ID, nil); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("accounts that have the tier as the default are in none", func(t *testing.T) {
		p := newPiloted(t, 3)
		if _, _, err := p.db.SetDefaults(t.Context(), controlplane.DefaultsEdit{TierID: &p.tier.ID}); err != nil {
			t.Fatal(err)
		}
		account := newAccount(t, p.db, "by default", 0)
		newKey(t, p.db, account.ID)
		p.start(100)
		wantOn(t, p.db, account.ID, 2, 200)
		list := []controlplane.ID{p.accounts[0], account.ID}
		_, _, err := p.db.ChangePilot(t.Context(), controlplane.PilotEdit{ID: p.pilot().ID, Accounts: &list})
		wantFault(t, err, controlplane.CodeValidation, "accountIds.1")
		list[0] = 999
		_, _, err = p.db.ChangePilot(t.Context(), controlplane.PilotEdit{ID: p.pilot().ID, Accounts: &list})
		wantFault(t, err, controlplane.CodeNotFound, "accountIds.0")
	})
}

func TestPromoteAPilot(t *testing.T) {
	t.Run("now, for all", func(t *testing.T) {
		p := newPiloted(t, 9)
		p.start(40)
		p.promote(toAll)
		for _, account := range p.accounts {
			wantOn(t, p.db, account, 3, 800)
		}
		if e := p.pilot(); e.State != controlplane.PilotPromoted || e.PromotedTo != p.tier.VersionID {
			t.Errorf("%+v", e)
		}
		versions, err := p.db.VersionsByID(t.Context(), []controlplane.ID{p.tier.VersionID})
		if err != nil || versions[0].Note != "800 a minute" || versions[0].Limits[0].ID != p.tier.Limits[0].ID || !versions[0].Current {
			t.Errorf("%+v, %v", versions, err)
		}
	})
	t.Run("for its own accounts, with the others left or moved", func(t *testing.T) {
		for _, move := range []controlplane.Migration{
			toNone, {When: controlplane.MoveSteps, Steps: []int{50, 100}, StepMinutes: 1}, {When: controlplane.MovePeriodEnd},
		} {
			p := newPiloted(t, 12)
			before := p.allowed()
			list := []controlplane.ID{p.accounts[0], p.accounts[11]}
			p.start(0, list...)
			p.promote(move)
			if in := p.inside(before); !slices.Equal(in, list) {
				t.Errorf("%s: %v are on the new version, want %v", move.When, in, list)
			}
			wantOn(t, p.db, list[0], 3, 800)
			fresh := newAccount(t, p.db, "fresh", p.tier.ID)
			newKey(t, p.db, fresh.ID)
			wantOn(t, p.db, fresh.ID, 3, 800)
			if move.When == controlplane.MoveNone {
				continue
			}
			moves, err := p.db.TierMoves(t.Context(), []controlplane.ID{p.tier.ID})
			if err != nil || len(moves) != 1 || moves[0].Accounts != 10 {
				t.Errorf("%s: %+v, %v", move.When, moves, err)
			}
			pending, err := p.db.PendingMoves(t.Context(), list)
			if err != nil || len(pending) != 0 {
				t.Errorf("%s: to come are %+v, %v", move.When, pending, err)
			}
		}
	})
	t.Run("and what was to come for one of its accounts takes it nowhere else", func(t *testing.T) {
		p := newPiloted(t, 3)
		if _, _, err := p.db.MoveAccount(t.Context(), p.accounts[0], p.tier.ID, true, nil); err != nil {
			t.Fatal(err)
		}
		p.start(0, p.accounts[0])
		p.promote(toNone)
		if _, err := p.conn.Exec(t.Context(), `update account_moves set due_at = now()`); err != nil {
			t.Fatal(err)
		}
		if err := p.db.CarryOutMoves(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantOn(t, p.db, p.accounts[0], 3, 800)
	})
	t.Run("of more accounts than are written down at once", func(t *testing.T) {
		p := newPiloted(t, 3)
		before := p.allowed()
		const many = 12_000
		_, err := p.conn.Exec(t.Context(), `insert into accounts (name, tier_id) select 'bulk ' || i, $1 from generate_series(1, $2) i`, p.tier.ID, many)
		if err != nil {
			t.Fatal(err)
		}
		pilot := p.start(93, p.accounts[0])
		counts, err := p.db.VersionCounts(t.Context(), []controlplane.ID{pilot.VersionID})
		if err != nil {
			t.Fatal(err)
		}
		p.promote(toNone)
		in := p.inside(before)
		if e := p.pilot(); e.State != controlplane.PilotPromoting {
			t.Fatalf("%+v", e)
		}
		wantCount := func() {
			t.Helper()
			after, err := p.db.VersionCounts(t.Context(), []controlplane.ID{p.tier.VersionID})
			if err != nil || after[p.tier.VersionID] != counts[pilot.VersionID] {
				t.Errorf("%d accounts were in the pilot, %d are on its version, %v", counts[pilot.VersionID], after[p.tier.VersionID], err)
			}
		}
		wantCount()
		_, _, err = p.db.PublishTier(t.Context(), controlplane.Publication{TierID: p.tier.ID, From: 1, Move: toNone})
		wantFault(t, err, controlplane.CodeConflict, "id")
		if state, err := p.db.PolicyState(t.Context()); err != nil || state.NextEnd != 0 {
			t.Errorf("%+v, %v: nothing is due", state, err)
		}
		carry := make(chan error)
		for range 2 { // as two control planes
			go func() { carry <- p.db.CarryOutMoves(t.Context()) }()
		}
		for range 2 {
			if err := <-carry; err != nil {
				t.Error(err)
			}
		}
		wantCount()
		if e := p.pilot(); e.State != controlplane.PilotPromoted {
			t.Errorf("%+v", e)
		}
		if after := p.inside(before); !slices.Equal(after, in) {
			t.Errorf("%v, then %v", in, after)
		}
	})
	t.Run("not while accounts move", func(t *testing.T) {
		p := newPiloted(t, 6)
		publish(t, p.db, controlplane.Publication{
			TierID: p.tier.ID, Limits: amounts(p.tier, 300), Move: controlplane.Migration{When: controlplane.MoveSteps, Steps: []int{100}, StepMinutes: 1},
		})
		p.start(50)
		_, _, err := p.db.PromotePilot(t.Context(), controlplane.Promotion{ID: p.pilot().ID, Move: toNone})
		wantFault(t, err, controlplane.CodeConflict, "id")
	})
}

func TestAPilotsListMayHaveAnAccountThatLeft(t *testing.T) {
	p := newPiloted(t, 3)
	other := newTier(t, p.db, "Enterprise", perMinute(900))
	pilot := p.start(0, p.accounts[0], p.accounts[1])
	if _, _, err := p.db.MoveAccount(t.Context(), p.accounts[0], other.ID, false, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.db.ChangePilot(t.Context(), controlplane.PilotEdit{ID: pilot.ID, Accounts: &p.accounts}); err != nil {
		t.Error(err)
	}
	wantOn(t, p.db, p.accounts[0], 1, 900)
	wantOn(t, p.db, p.accounts[2], 0, 800)
}

func TestPilotNamesWhatIsWrong(t *testing.T) {
	p := newPiloted(t, 3)
	start := func(n controlplane.NewPilot) error {
		n.TierID = p.tier.ID
		_, _, err := p.db.StartPilot(t.Context(), n)
		return err
	}
	wantFault(t, start(controlplane.NewPilot{Name: "x", Percent: 5}), controlplane.CodeNotFound, "tierId") // there is no draft
	stale := p.tier.Revision - 1
	wantFault(t, start(controlplane.NewPilot{Name: "x", Percent: 5, Limits: amounts(p.tier, 1), Revision: &stale}), controlplane.CodeConflict, "revision")
	_, _, err := p.db.StartPilot(t.Context(), controlplane.NewPilot{TierID: 999, Name: "x", Percent: 5, Limits: amounts(p.tier, 1)})
	wantFault(t, err, controlplane.CodeNotFound, "tierId")
	if _, _, err := p.db.SaveTierDraft(t.Context(), controlplane.TierDraft{TierID: p.tier.ID, Limits: *amounts(p.tier, 800)}); err != nil {
		t.Fatal(err)
	}
	tier, _, err := p.db.StartPilot(t.Context(), controlplane.NewPilot{TierID: p.tier.ID, Name: "the draft", Percent: 100})
	if err != nil {
		t.Fatal(err)
	}
	wantOn(t, p.db, p.accounts[0], 0, 800)
	if drafts, err := p.db.DraftsByTier(t.Context(), []controlplane.ID{p.tier.ID}); err != nil || len(drafts) != 1 {
		t.Errorf("the draft is gone: %+v, %v", drafts, err)
	}
	wantFault(t, start(controlplane.NewPilot{Name: "x", Percent: 5}), controlplane.CodeConflict, "tierId") // one runs
	percent := 7
	before := tier.Revision - 1
	_, _, err = p.db.ChangePilot(t.Context(), controlplane.PilotEdit{ID: p.pilot().ID, Revision: &before, Percent: &percent})
	wantFault(t, err, controlplane.CodeConflict, "revision")
	_, _, err = p.db.ChangePilot(t.Context(), controlplane.PilotEdit{ID: 999, Percent: &percent})
	wantFault(t, err, controlplane.CodeNotFound, "id")
	p.end()
	_, _, err = p.db.ChangePilot(t.Context(), controlplane.PilotEdit{ID: p.pilot().ID, Percent: &percent})
	wantFault(t, err, controlplane.CodeConflict, "id")
	_, _, err = p.db.EndPilot(t.Context(), p.pilot().ID, nil)
	wantFault(t, err, controlplane.CodeConflict, "id")
	_, _, err = p.db.PromotePilot(t.Context(), controlplane.Promotion{ID: p.pilot().ID, Move: toNone})
	wantFault(t, err, controlplane.CodeConflict, "id")
}

func TestWhatAPilotDid(t *testing.T) {
	p := newPiloted(t, 9)
	in, out := p.accounts[0], p.accounts[8]
	pilot := p.start(0, in, p.accounts[1])
	begun := time.Now().Add(-50 * time.Hour)
	if _, err := p.conn.Exec(t.Context(), `update pilots set started_at = $1`, begun); err != nil {
		t.Fatal(err)
	}
	sequence := uint64(0)
	counted := func(account controlplane.ID, at time.Time, allowed, throttled uint64) {
		t.Helper()
		sequence++
		b := &wire.Batch{Source: wire.SourceID{9}, Sequence: sequence, Node: "gateway-1"}
		for decision, n := range map[wire.Decision]uint64{wire.Allowed: allowed, wire.Throttled: throttled} {
			if n > 0 {
				b.Entries = append(b.Entries, wire.Entry{Requests: n, EntryKey: wire.EntryKey{
					Minute: at.Unix() / 60, Account: uint64(account), Key: 1, Tier: uint64(p.tier.ID), Status: 200, Decision: decision,
				}})
			}
		}
		commit(t, p.db, b)
	}
	counted(in, begun.Add(-5*time.Minute), 1000, 1000) // before
	for _, after := range []time.Duration{2 * time.Minute, 70 * time.Minute, 26 * time.Hour, 49 * time.Hour, 50*time.Hour - 2*time.Minute} {
		counted(in, begun.Add(after), 10, 1)
		counted(out, begun.Add(after), 100, 0)
	}
	effect := func() controlplane.PilotEffect {
		t.Helper()
		effects, err := p.db.PilotEffects(t.Context(), []controlplane.ID{pilot.ID})
		if err != nil || len(effects) != 1 {
			t.Fatal(effects, err)
		}
		return effects[0]
	}
	want := controlplane.PilotEffect{
		PilotID: pilot.ID,
		Inside:  controlplane.PilotGroup{Accounts: 2, Sampled: 2, ThrottledAccounts: 1, AllowedRequests: 50, ThrottledRequests: 5},
		Outside: controlplane.PilotGroup{Accounts: 7, Sampled: 7, AllowedRequests: 500},
	}
	if got := effect(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	p.end()
	counted(in, time.Now(), 1000, 1000) // after
	if _, err := p.conn.Exec(t.Context(), `update pilots set ended_at = ended_at - interval '1 minute'`); err != nil {
		t.Fatal(err)
	}
	if got := effect(); got != want {
		t.Errorf("ended: got %+v, want %+v", got, want)
	}
}
