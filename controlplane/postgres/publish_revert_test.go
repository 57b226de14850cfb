package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// publications returns the records of what was published of a tier, the newest first.
func (m *mover) publications() []audit.Record {
	m.t.Helper()
	page, err := m.db.AuditLog(m.t.Context(), audit.Filter{Actions: []audit.Action{audit.PublishTier}}, 0, 10)
	if err != nil {
		m.t.Fatal(err)
	}
	return page.Records
}

// revert reverts a publication, and wants that to be refused as said, if it is.
func (m *mover) revert(record audit.Record, force bool, want string) {
	m.t.Helper()
	head, err := m.db.AuditHead(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	_, err = m.db.RevertPublication(m.t.Context(), record, force)
	if want != "" {
		if wantFault(m.t, err, controlplane.CodeConflict, "seq"); err == nil || !strings.Contains(err.Error(), want) {
			m.t.Errorf("got %v, want %q", err, want)
		}
		return
	}
	after, faultOfHead := m.db.AuditHead(m.t.Context())
	if err != nil || faultOfHead != nil || after.Seq != head.Seq+1 {
		m.t.Fatalf("%d records, %v, %v", after.Seq-head.Seq, err, faultOfHead)
	}
}

// numbers are the versions that the accounts are on.
func (m *mover) numbers() string {
	m.t.Helper()
	var on []string
	for _, id := range m.accounts {
		var tier controlplane.ID
		var number int
		err := m.conn.QueryRow(m.t.Context(), `
			select v.tier_id, v.number from account_versions a join tier_versions v on v.id = a.version_id where a.account_id = $1`, id).Scan(&tier, &number)
		if err != nil {
			m.t.Fatal(err)
		}
		on = append(on, fmt.Sprint(number))
	}
	return strings.Join(on, " ")
}

func (m *mover) want(numbers string) {
	m.t.Helper()
	if got := m.numbers(); got != numbers {
		m.t.Errorf("the accounts are on %s, want %s", got, numbers)
	}
}

func (m *mover) join(name string) controlplane.ID {
	m.t.Helper()
	id := newAccount(m.t, m.db, name, m.tier.ID).ID
	m.accounts = append(m.accounts, id)
	return id
}

func (m *mover) publish(amount int64, when controlplane.Migration) {
	m.t.Helper()
	m.tier = publish(m.t, m.db, controlplane.Publication{TierID: m.tier.ID, Limits: amounts(m.tier, amount), Move: when})
}

var atOnce = controlplane.Migration{When: controlplane.MoveNow}

func TestARevertedPublicationPutsItsAccountsBack(t *testing.T) {
	none := controlplane.Migration{When: controlplane.MoveNone}
	t.Run("each on its version, those that it moved and that are still there", func(t *testing.T) {
		m := newMover(t, 4, none)
		m.join("on the second")
		m.want("1 1 1 1 2")
		m.publish(300, atOnce)
		m.join("later")
		other := newTier(t, m.db, "Other", perMinute(5))
		for _, to := range []controlplane.ID{other.ID, m.tier.ID} { // elsewhere, and back by itself
			if _, _, err := m.db.MoveAccount(t.Context(), m.accounts[1], to, false, nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, to := range []controlplane.ID{other.ID, m.tier.ID} { // as an edit does it
			if _, _, err := m.db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: m.accounts[2], TierID: &to}); err != nil {
				t.Fatal(err)
			}
		}
		m.want("3 3 3 3 3 3")
		text, err := m.db.PreviewPublicationRevert(t.Context(), m.publications()[0])
		if want := "3 accounts that it moved and that are still on version 3 go back: 1 to version 2, 2 to version 1."; err != nil || !strings.HasPrefix(text, want) {
			t.Errorf("%q, %v", text, err)
		}
		before := readPolicy(t, m.db).Version
		m.revert(m.publications()[0], false, "")
		m.want("1 3 3 1 2 3")
		m.wantInLogOf(audit.RevertPublication, map[controlplane.ID]bool{m.accounts[0]: true, m.accounts[3]: true, m.accounts[4]: true})
		policy := readPolicy(t, m.db)
		if plan := planOf(t, policy, m.accounts[0]); policy.Version <= before || plan.Limits[0].Amount != 100 {
			t.Errorf("the snapshot has %+v", plan)
		}
		m.join("comes to the current version")
		m.want("1 3 3 1 2 3 3")
		m.revert(m.publications()[0], true, "none of the accounts that it moved is still on version 3")
		m.revert(m.publications()[1], false, "none of the accounts")
	})
	t.Run("one publication after the other", func(t *testing.T) {
		m := newMover(t, 2, atOnce)
		m.join("on the second")
		m.publish(300, atOnce)
		m.revert(m.publications()[1], false, "none of the accounts that it moved is still on version 2")
		m.revert(m.publications()[0], false, "")
		m.want("2 2 2")
		m.revert(m.publications()[1], false, "")
		m.want("1 1 2")
		m.publish(400, atOnce)
		m.want("4 4 4")
		m.revert(m.publications()[0], false, "")
		m.want("1 1 2")
	})
	t.Run("of a move in steps, once it has ended", func(t *testing.T) {
		m := newMover(t, 20, controlplane.Migration{When: controlplane.MoveSteps, Steps: []int{50, 100}, StepMinutes: 60})
		m.carryOut()
		m.revert(m.publications()[0], false, "being moved to its current version")
		m.change(controlplane.StopMove)
		m.carryOut()
		m.join("later")
		m.revert(m.publications()[0], false, "")
		m.want(strings.Repeat("1 ", 20) + "2")
	})
	t.Run("of a move at the ends of periods, closed accounts too, and nobody who was closed before", func(t *testing.T) {
		m := newMover(t, 3, controlplane.Migration{When: controlplane.MovePeriodEnd})
		m.exec(`update account_moves set due_at = now() where account_id <> ` + fmt.Sprint(m.accounts[2]))
		m.exec(due)
		m.carryOut()
		m.want("2 2 1")
		m.change(controlplane.StopMove)
		if _, _, err := m.db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: m.accounts[0], Status: controlplane.AccountClosed}); err != nil {
			t.Fatal(err)
		}
		m.revert(m.publications()[0], false, "")
		m.want("1 1 1")
	})
	t.Run("without those of the default tier only with force", func(t *testing.T) {
		m := newMover(t, 1, atOnce)
		if _, _, err := m.db.SetDefaults(t.Context(), controlplane.DefaultsEdit{TierID: &m.tier.ID}); err != nil {
			t.Fatal(err)
		}
		m.accounts = append(m.accounts, newAccount(t, m.db, "on the default", 0).ID)
		m.revert(m.publications()[0], false, "1 account without a tier of its own is always on the current version of Basic")
		m.revert(m.publications()[0], true, "")
		m.want("1 2")
	})
}

func TestAPublicationThatNamesWhatIsGoneIsNotReverted(t *testing.T) {
	m := newMover(t, 1, atOnce)
	endpoint, _, err := m.db.CreateEndpoint(t.Context(), controlplane.Endpoint{Method: "GET", Template: "/v1/users", Cost: 1})
	if err != nil {
		t.Fatal(err)
	}
	limits := append(*amounts(m.tier, 300), onEndpoint(rate("one", 5, controlplane.Minute, 5), endpoint.ID))
	m.tier = publish(t, m.db, controlplane.Publication{TierID: m.tier.ID, Limits: &limits, Move: atOnce})
	plain := limits[:1]
	m.tier = publish(t, m.db, controlplane.Publication{TierID: m.tier.ID, Limits: &plain, Move: atOnce})
	if _, err := m.db.DeleteEndpoint(t.Context(), endpoint.ID, nil); err != nil {
		t.Fatal(err)
	}
	m.revert(m.publications()[0], false, "nobody can go back to version 3: its limit one names")
	m.want("4")
}
