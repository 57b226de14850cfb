package postgres_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
)

// byChance is what differs each time: times, and the beginnings of secrets.
var byChance = regexp.MustCompile(`"20[0-9-]+T[0-9:.]+Z"|"weir_[A-Z0-9]+"`)

// TestManyAccountsAreChangedAsOneAfterTheOther makes the same edits of accounts with keys,
// moves to come, overrides and trials, all at once and one by one, and compares the log.
func TestManyAccountsAreChangedAsOneAfterTheOther(t *testing.T) {
	logOf := func(change func(*postgres.DB, controlplane.AccountEdit, []controlplane.ID)) string {
		m := newMover(t, 6, controlplane.Migration{When: controlplane.MovePeriodEnd})
		db := m.db
		other := newTier(t, db, "Other", perMinute(7))
		for _, id := range m.accounts[1:4] {
			newKey(t, db, id)
			newKey(t, db, id)
		}
		if _, _, err := db.MoveAccount(t.Context(), m.accounts[1], other.ID, true, nil); err != nil {
			t.Fatal(err)
		}
		ends := time.Now().Add(time.Hour).Truncate(time.Second)
		edits := []controlplane.AccountEdit{
			{AddLabels: controlplane.Labels{"a": "1", "b": ""}},
			{TierID: &other.ID},
			{TierID: new(controlplane.ID)},
			{Status: controlplane.AccountTrial, Trial: &controlplane.Trial{EndsAt: ends, Then: controlplane.TrialActivates, TierID: other.ID}},
			{Status: controlplane.AccountSuspended, RemoveLabels: []string{"b"}},
			{TierID: &m.tier.ID, Status: controlplane.AccountActive},
			{Status: controlplane.AccountClosed},
		}
		for _, e := range edits {
			change(db, e, m.accounts)
		}
		page, err := db.AuditLog(t.Context(), audit.Filter{}, 0, 500)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, r := range page.Records {
			lines = append(lines, byChance.ReplaceAllString(fmt.Sprint(r.Action, " ", r.Object, " ", r.AccountID, " ", string(r.Before), " ", string(r.After)), "X"))
		}
		report, err := db.VerifyAudit(t.Context(), audit.Check{From: 1})
		if err != nil || report.Break != nil {
			t.Errorf("the log: %+v, %v", report, err)
		}
		return strings.Join(lines, "\n")
	}
	single := logOf(func(db *postgres.DB, e controlplane.AccountEdit, ids []controlplane.ID) {
		for _, id := range ids {
			e.ID = id
			updateAccount(t, db, e)
		}
	})
	many := logOf(func(db *postgres.DB, e controlplane.AccountEdit, ids []controlplane.ID) {
		report, err := db.ChangeAccounts(t.Context(), postgres.BulkEdit{
			Filter: controlplane.AccountFilter{IDs: ids}, Edit: e, Most: 100, Until: time.Now().Add(time.Hour),
		})
		if err != nil || report.Changed != len(ids) || report.Changes[0].Account.Revision < 2 {
			t.Fatal(report, err)
		}
	})
	if !strings.Contains(many, string(audit.RevokeKey)) || !strings.Contains(many, string(audit.CancelAccountMove)) {
		t.Error("no key was revoked, or no move cancelled")
	}
	one, all := strings.Split(single, "\n"), strings.Split(many, "\n")
	for i := range max(len(one), len(all)) {
		if i >= len(one) || i >= len(all) || one[i] != all[i] {
			t.Fatalf("%d and %d records; they differ from the last but %d on: %q and %q", len(one), len(all), i, one[i:][:1], all[i:][:1])
		}
	}
}
