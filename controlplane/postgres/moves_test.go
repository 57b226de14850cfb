package postgres_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
)

// mover is a tier with accounts on its first version, of which a second is published.
type mover struct {
	t        *testing.T
	db       *postgres.DB
	conn     *pgx.Conn
	tier     controlplane.Tier
	accounts []controlplane.ID
}

func newMover(t *testing.T, accounts int, when controlplane.Migration) *mover {
	t.Helper()
	url := databases.New(t)
	m := &mover{t: t, db: connect(t, url), conn: dial(t, url)}
	m.tier = newTier(t, m.db, "Basic", perMinute(100))
	for i := range accounts {
		m.accounts = append(m.accounts, newAccount(t, m.db, fmt.Sprint("account ", i), m.tier.ID).ID)
	}
	newKey(t, m.db, m.accounts[0])
	m.tier = publish(t, m.db, controlplane.Publication{TierID: m.tier.ID, Limits: amounts(m.tier, 200), Move: when})
	return m
}

func (m *mover) carryOut() {
	m.t.Helper()
	if err := m.db.CarryOutMoves(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mover) exec(sql string) {
	m.t.Helper()
	if _, err := m.conn.Exec(m.t.Context(), sql); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mover) move() controlplane.TierMove {
	m.t.Helper()
	moves, err := m.db.TierMoves(m.t.Context(), []controlplane.ID{m.tier.ID})
	if err != nil || len(moves) != 1 {
		m.t.Fatal(moves, err)
	}
	return moves[0]
}

func (m *mover) change(c controlplane.MoveChange) {
	m.t.Helper()
	if _, _, err := m.db.ChangeTierMove(m.t.Context(), m.move().ID, c); err != nil {
		m.t.Fatal(err)
	}
}

// moved returns the accounts that are on the second version.
func (m *mover) moved() map[controlplane.ID]bool {
	m.t.Helper()
	standings, err := m.db.Standings(m.t.Context(), m.accounts)
	if err != nil || len(standings) != len(m.accounts) {
		m.t.Fatal(standings, err)
	}
	moved := map[controlplane.ID]bool{}
	for _, s := range standings {
		if s.VersionID == m.tier.VersionID {
			moved[s.AccountID] = true
		}
	}
	return moved
}

func (m *mover) wantMoved(least, most int, state controlplane.MoveState) map[controlplane.ID]bool {
	m.t.Helper()
	moved := m.moved()
	if n := len(moved); n < least || n > most || m.move().State != state || m.move().Moved != n {
		m.t.Errorf("%d accounts have moved, want %d to %d; the move is %+v", n, least, most, m.move())
	}
	return moved
}

// wantInLogOf checks that the newest record of an action is the newest in the log of
// those accounts, and not in that of the others.
func (m *mover) wantInLogOf(action audit.Action, accounts map[controlplane.ID]bool) {
	m.t.Helper()
	record := newest(m.t, m.db, action).Seq
	for _, id := range m.accounts {
		if found := newestSeq(m.t, m.db, audit.Filter{AccountID: id}) == record; found != accounts[id] {
			m.t.Errorf("account %d: %v that the log has %s last, want %v", id, found, action, accounts[id])
		}
	}
}

const due = `update tier_moves set next_at = now() where next_at is not null`

func TestMoveInSteps(t *testing.T) {
	steps := controlplane.Migration{When: controlplane.MoveSteps, Steps: []int{30, 60, 100}, StepMinutes: 60}
	const accounts = 60
	t.Run("moves more of the accounts at each step, and all in the end", func(t *testing.T) {
		m := newMover(t, accounts, steps)
		m.carryOut()
		first := m.wantMoved(5, 35, controlplane.MoveRunning)
		m.wantInLogOf(audit.AdvanceTierMove, first)
		m.carryOut() // nothing is due
		m.wantMoved(len(first), len(first), controlplane.MoveRunning)
		m.exec(due)
		m.carryOut()
		second := m.wantMoved(len(first)+1, accounts-1, controlplane.MoveRunning)
		step := maps.Clone(second)
		for id := range first {
			if !second[id] {
				t.Errorf("account %d went back", id)
			}
			delete(step, id)
		}
		m.wantInLogOf(audit.AdvanceTierMove, step)
		for _, id := range m.accounts[:1] {
			want := map[bool]uint64{true: 200, false: 100}[second[id]]
			if plan := planOf(t, readPolicy(t, m.db), id); plan.Limits[0].Amount != want {
				t.Errorf("account %d: the snapshot has %d, the database %d", id, plan.Limits[0].Amount, want)
			}
		}
		_, _, err := m.db.PublishTier(t.Context(), controlplane.Publication{TierID: m.tier.ID, From: 1, Move: controlplane.Migration{When: controlplane.MoveNow}})
		wantFault(t, err, controlplane.CodeConflict, "id")
		m.exec(due)
		m.carryOut()
		m.wantMoved(accounts, accounts, controlplane.MoveFinished)
		_, _, err = m.db.ChangeTierMove(t.Context(), m.move().ID, controlplane.TurnBackMove)
		wantFault(t, err, controlplane.CodeConflict, "id")
	})
	t.Run("is paused, resumed, and turned back", func(t *testing.T) {
		m := newMover(t, accounts, steps)
		m.carryOut()
		first := len(m.moved())
		m.change(controlplane.PauseMove)
		m.exec(due)
		m.carryOut()
		m.wantMoved(first, first, controlplane.MovePaused)
		m.change(controlplane.ResumeMove)
		m.carryOut()
		moved := m.wantMoved(first+1, accounts-1, controlplane.MoveRunning)
		m.change(controlplane.TurnBackMove)
		m.wantMoved(0, 0, controlplane.MoveTurnedBack)
		m.wantInLogOf(audit.ChangeTierMove, moved)
	})
	t.Run("is stopped where it is", func(t *testing.T) {
		m := newMover(t, accounts, steps)
		m.carryOut()
		first := m.moved()
		m.change(controlplane.StopMove)
		m.wantMoved(len(first), len(first), controlplane.MoveStopping)
		m.carryOut()
		after := m.wantMoved(len(first), len(first), controlplane.MoveStopped)
		for id := range first {
			if !after[id] {
				t.Errorf("account %d went back", id)
			}
		}
	})
}

func TestMoveAtPeriodEnds(t *testing.T) {
	when := controlplane.Migration{When: controlplane.MovePeriodEnd}
	t.Run("moves each account at the end of its own", func(t *testing.T) {
		m := newMover(t, 3, when)
		m.carryOut()
		m.wantMoved(0, 0, controlplane.MoveRunning)
		pending, err := m.db.PendingMoves(t.Context(), m.accounts)
		now := time.Now().UTC()
		first := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
		if err != nil || len(pending) != 3 || !pending[0].DueAt.Equal(first) || pending[0].VersionID != m.tier.VersionID {
			t.Fatalf("%+v, %v; want %s", pending, err, first)
		}
		m.exec(fmt.Sprintf(`update account_moves set due_at = now() where account_id = %d`, m.accounts[0]))
		m.exec(due)
		before := policyVersion(t, m.db)
		var wg sync.WaitGroup
		for range 2 { // as two control planes
			wg.Go(func() {
				if err := m.db.CarryOutMoves(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if moved := m.wantMoved(1, 1, controlplane.MoveRunning); !moved[m.accounts[0]] || policyVersion(t, m.db) <= before {
			t.Errorf("moved are %v", moved)
		}
		wantOn(t, m.db, m.accounts[0], 2, 200)
		page, err := m.db.AuditLog(t.Context(), audit.Filter{Actions: []audit.Action{audit.MoveAccount}}, 0, 10)
		if err != nil || len(page.Records) != 1 || page.Records[0].AccountID != m.accounts[0] {
			t.Errorf("recorded are %+v, %v", page.Records, err)
		}
		m.exec(`update account_moves set due_at = now() where moved_at is null`)
		m.exec(due)
		m.carryOut()
		m.wantMoved(3, 3, controlplane.MoveFinished)
	})
	t.Run("is about those who wait, and not about closed accounts", func(t *testing.T) {
		m := newMover(t, 3, controlplane.Migration{When: controlplane.MoveNone})
		if _, _, err := m.db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: m.accounts[2], Status: controlplane.AccountClosed}); err != nil {
			t.Fatal(err)
		}
		m.tier = publish(t, m.db, controlplane.Publication{TierID: m.tier.ID, Limits: amounts(m.tier, 300), Move: when})
		m.wantInLogOf(audit.PublishTier, map[controlplane.ID]bool{m.accounts[0]: true, m.accounts[1]: true})
		m.exec(fmt.Sprintf(`update account_moves set due_at = now() where account_id = %d`, m.accounts[1]))
		m.exec(due)
		m.carryOut()
		m.change(controlplane.StopMove)
		m.wantInLogOf(audit.ChangeTierMove, map[controlplane.ID]bool{m.accounts[0]: true})
	})
	t.Run("is turned back", func(t *testing.T) {
		m := newMover(t, 2, when)
		m.exec(fmt.Sprintf(`update account_moves set due_at = now() where account_id = %d`, m.accounts[1]))
		m.exec(due)
		m.carryOut()
		moved := m.wantMoved(1, 1, controlplane.MoveRunning)
		m.change(controlplane.TurnBackMove)
		m.wantMoved(0, 0, controlplane.MoveTurnedBack)
		moved[m.accounts[0]] = true // it needn't wait any more
		m.wantInLogOf(audit.ChangeTierMove, moved)
		if pending, err := m.db.PendingMoves(t.Context(), m.accounts); err != nil || len(pending) != 0 {
			t.Errorf("to come are %+v, %v", pending, err)
		}
	})
}

func TestMoveAnAccount(t *testing.T) {
	m := newMover(t, 1, controlplane.Migration{When: controlplane.MoveNone})
	account := m.accounts[0]
	other := newTier(t, m.db, "Other", perMinute(7))
	move := func(tier controlplane.ID, atPeriodEnd bool) {
		t.Helper()
		if _, _, err := m.db.MoveAccount(t.Context(), account, tier, atPeriodEnd, nil); err != nil {
			t.Fatal(err)
		}
	}
	pending := func() []controlplane.AccountMove {
		t.Helper()
		moves, err := m.db.PendingMoves(t.Context(), m.accounts)
		if err != nil {
			t.Fatal(err)
		}
		return moves
	}
	t.Run("now, to the current version of its own tier", func(t *testing.T) {
		wantOn(t, m.db, account, 1, 100)
		move(m.tier.ID, false)
		wantOn(t, m.db, account, 2, 200)
	})
	t.Run("to another tier when its period ends, unless that is taken back", func(t *testing.T) {
		move(other.ID, true)
		if p := pending(); len(p) != 1 || p[0].TierID != other.ID {
			t.Errorf("to come is %+v", p)
		}
		if _, _, err := m.db.CancelAccountMove(t.Context(), account); err != nil {
			t.Fatal(err)
		}
		_, _, err := m.db.CancelAccountMove(t.Context(), account)
		wantFault(t, err, controlplane.CodeNotFound, "accountId")
		move(other.ID, true)
		m.exec(`update account_moves set due_at = now()`)
		state, err := m.db.PolicyState(t.Context())
		if err != nil || state.NextEnd != 0 {
			t.Errorf("%+v, %v: nothing is due", state, err)
		}
		m.carryOut()
		wantOn(t, m.db, account, 1, 7)
	})
	t.Run("a change of tier makes an end of what is to come", func(t *testing.T) {
		move(m.tier.ID, true)
		if _, _, err := m.db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: account, TierID: &m.tier.ID}); err != nil {
			t.Fatal(err)
		}
		if p := pending(); len(p) != 0 {
			t.Errorf("to come is %+v", p)
		}
		wantOn(t, m.db, account, 2, 200)
		wantCancelled(t, m.db, account)
	})
	t.Run("another move takes its place, and both are recorded", func(t *testing.T) {
		move(other.ID, true)
		move(m.tier.ID, false)
		wantCancelled(t, m.db, account)
	})
	t.Run("the end of the tier that it would go to, too", func(t *testing.T) {
		gone := newTier(t, m.db, "Gone", perMinute(7))
		move(gone.ID, true)
		if _, err := m.db.DeleteTier(t.Context(), gone.ID, nil); err != nil {
			t.Fatal(err)
		}
		wantCancelled(t, m.db, account)
	})
	t.Run("names the fields at fault", func(t *testing.T) {
		_, _, err := m.db.MoveAccount(t.Context(), 999, m.tier.ID, false, nil)
		wantFault(t, err, controlplane.CodeNotFound, "accountId")
		_, _, err = m.db.MoveAccount(t.Context(), account, 999, false, nil)
		wantFault(t, err, controlplane.CodeNotFound, "tierId")
	})
	t.Run("a closed account stays where it is", func(t *testing.T) {
		move(other.ID, true)
		if _, _, err := m.db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: account, Status: controlplane.AccountClosed}); err != nil {
			t.Fatal(err)
		}
		wantCancelled(t, m.db, account)
		if p := pending(); len(p) != 0 {
			t.Errorf("to come is %+v", p)
		}
		_, _, err := m.db.MoveAccount(t.Context(), account, other.ID, false, nil)
		wantFault(t, err, controlplane.CodeConflict, "accountId")
		_, _, err = m.db.CancelAccountMove(t.Context(), account)
		wantFault(t, err, controlplane.CodeConflict, "accountId")
		m.tier = publish(t, m.db, controlplane.Publication{TierID: m.tier.ID, Limits: amounts(m.tier, 300), Move: controlplane.Migration{When: controlplane.MovePeriodEnd}})
		if p := pending(); len(p) != 0 {
			t.Errorf("to come is %+v", p)
		}
	})
}

// wantCancelled checks that a cancelled move is among the last three records of an account.
func wantCancelled(t *testing.T, db *postgres.DB, account controlplane.ID) {
	t.Helper()
	page, err := db.AuditLog(t.Context(), audit.Filter{AccountID: account}, 0, 3)
	if err != nil || !slices.ContainsFunc(page.Records, func(r audit.Record) bool { return r.Action == audit.CancelAccountMove }) {
		t.Errorf("recorded are %+v, %v", page.Records, err)
	}
}
