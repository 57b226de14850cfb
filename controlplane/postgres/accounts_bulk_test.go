package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
)

// searches counts searches for text in accounts.
type searches struct{ atomic.Int64 }

func (s *searches) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if strings.Contains(q.SQL, "search like folded(") {
		s.Add(1)
	}
	return ctx
}

func (*searches) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestManyAccountsAreChangedAlike(t *testing.T) {
	url := databases.New(t)
	db := connect(t, url)
	conn := dial(t, url)
	_, err := conn.Exec(t.Context(), `insert into accounts (name, labels) select 'a' || i, jsonb_build_object('n', i::text) from generate_series(1, 450) i`)
	if err != nil {
		t.Fatal(err)
	}
	closed := newAccount(t, db, "closed", 0)
	updateAccount(t, db, controlplane.AccountEdit{ID: closed.ID, Status: controlplane.AccountClosed})
	ready := newAccountAs(t, db, controlplane.NewAccount{Name: "ready", Labels: controlplane.Labels{"wave": "1"}})
	change := func(b postgres.BulkEdit) postgres.BulkReport {
		t.Helper()
		report, err := db.ChangeAccounts(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	recorded := func() int {
		t.Helper()
		var n int
		if err := conn.QueryRow(t.Context(), `select count(*) from audit_records where action = $1`, audit.UpdateAccount).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	counts := func(r postgres.BulkReport) string {
		return fmt.Sprint(r.Matched, " matched ", r.Changed, " changed ", r.Unchanged, " unchanged ", r.Failed, " failed more ", r.More)
	}
	label := postgres.BulkEdit{Edit: controlplane.AccountEdit{AddLabels: controlplane.Labels{"wave": "1"}}, Most: 10_000, Until: time.Now().Add(time.Hour)}
	before, version := recorded(), policyVersion(t, db)
	t.Run("a dry run tells and changes nothing", func(t *testing.T) {
		dry := label
		dry.DryRun = true
		report := change(dry)
		if got, want := counts(report), "452 matched 450 changed 1 unchanged 1 failed more false"; got != want || len(report.Changes) != 100 || len(report.Faults) != 1 {
			t.Errorf("%s, want %s", got, want)
		}
		if recorded() != before || policyVersion(t, db) != version {
			t.Error("something was changed")
		}
	})
	t.Run("some at a time, until the time is over", func(t *testing.T) {
		late := label
		late.Until = time.Now()
		report := change(late)
		if got, want := counts(report), "200 matched 200 changed 0 unchanged 0 failed more true"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		late.After, late.Most = report.Last, 10
		if got, want := counts(change(late)), "10 matched 10 changed 0 unchanged 0 failed more true"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
	t.Run("each is recorded, and one that can't be changed stops no other", func(t *testing.T) {
		report := change(label)
		if got, want := counts(report), "452 matched 240 changed 211 unchanged 1 failed more false"; got != want || report.Version == 0 {
			t.Errorf("%s, want %s", got, want)
		}
		if fault := report.Faults[0]; fault.Account.ID != closed.ID || fault.Fault == nil {
			t.Errorf("it failed with %+v", fault)
		}
		if got := recorded() - before; got != 450 {
			t.Errorf("%d records, want 450", got)
		}
	})
	t.Run("those that a filter finds", func(t *testing.T) {
		basic := newTier(t, db, "Basic", perMinute(5))
		value := "7"
		moved := postgres.BulkEdit{
			Filter: controlplane.AccountFilter{Labels: []controlplane.LabelFilter{{Key: "n", Value: &value}}},
			Edit:   controlplane.AccountEdit{TierID: &basic.ID, Status: controlplane.AccountSuspended}, Most: 10, Until: time.Now().Add(time.Hour),
		}
		report := change(moved)
		if len(report.Changes) != 1 || report.Changes[0].Account.TierID != basic.ID || report.Changes[0].Account.Status != controlplane.AccountSuspended {
			t.Errorf("%+v", report)
		}
		if got := change(moved); got.Unchanged != 1 || got.Version != 0 {
			t.Errorf("again: %+v", got)
		}
		missing := controlplane.ID(999)
		moved.Edit.TierID = &missing
		_, err := db.ChangeAccounts(t.Context(), moved)
		wantFault(t, err, controlplane.CodeNotFound, "tierId")
	})
	t.Run("those of many batches are searched for once", func(t *testing.T) {
		seen := &searches{}
		db, err := postgres.Open(t.Context(), url, func(c *pgxpool.Config) { c.ConnConfig.Tracer = seen })
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		report, err := db.ChangeAccounts(t.Context(), postgres.BulkEdit{
			Filter: controlplane.AccountFilter{Text: "wave=1"}, Edit: controlplane.AccountEdit{AddLabels: controlplane.Labels{"wave": "2"}}, DryRun: true, Most: 10_000, Until: time.Now().Add(time.Hour),
		})
		if err != nil || report.Changed != 451 || report.More || seen.Load() != 1 {
			t.Errorf("%d searches: %s, %v", seen.Load(), counts(report), err)
		}
	})
	t.Run("not with an id that is no account's", func(t *testing.T) {
		edit := controlplane.AccountEdit{Status: controlplane.AccountSuspended}
		_, err := db.ChangeAccounts(t.Context(), postgres.BulkEdit{Filter: controlplane.AccountFilter{IDs: []controlplane.ID{ready.ID, 999}}, Edit: edit, Most: 10, Until: time.Now()})
		wantFault(t, err, controlplane.CodeNotFound, "ids.1")
	})
	if got := found(t, db, controlplane.AccountFilter{IDs: []controlplane.ID{ready.ID}}, controlplane.AccountOrder{}); len(got) != 1 {
		t.Errorf("found %v", got)
	}
}

func TestNewAccountsOfTheDefaultTierGetTheIntroductoryAllowance(t *testing.T) {
	db := open(t)
	tier := newTier(t, db, "Basic", rate("rate", 10, controlplane.Minute, 15))
	before := newAccount(t, db, "before", 0)
	_, _, err := db.SetDefaults(t.Context(), controlplane.DefaultsEdit{TierID: &tier.ID, Introductory: &controlplane.IntroductoryAllowance{Percent: 150, Days: 14}})
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	after, own := newAccount(t, db, "after", 0), newAccount(t, db, "own", tier.ID)
	overrides, err := db.OverridesByAccount(t.Context(), []controlplane.ID{before.ID, after.ID, own.ID})
	if err != nil || len(overrides) != 1 {
		t.Fatalf("there are %+v, %v", overrides, err)
	}
	o := overrides[0]
	days := 14 * 24 * time.Hour
	if o.AccountID != after.ID || o.Amount != 15 || o.Burst != 23 || !o.Introductory || o.Until.Before(begun.Add(days)) || o.Until.After(time.Now().Add(days+time.Hour)) {
		t.Errorf("it is %+v", o)
	}
	setOverride(t, db, controlplane.Override{AccountID: after.ID, LimitID: o.LimitID, Amount: 20})
	if overrides, _ := db.OverridesByAccount(t.Context(), []controlplane.ID{after.ID}); overrides[0].Introductory {
		t.Error("set anew it is introductory still")
	}
	if d, _, err := db.SetDefaults(t.Context(), controlplane.DefaultsEdit{Introductory: &controlplane.IntroductoryAllowance{}}); err != nil || d.Introductory() != nil {
		t.Errorf("taken away, the defaults are %+v, %v", d, err)
	}
}

func TestAScheduledChangeIsCarriedOutOnce(t *testing.T) {
	url := databases.New(t)
	db, other := connect(t, url), connect(t, url)
	account := newAccount(t, db, "Birch", 0)
	ctx := controlplane.WithActor(t.Context(), controlplane.Actor{Kind: controlplane.ActorToken, ID: 7, Name: "ci"})
	scheduled := func(at time.Time) controlplane.ScheduledChange {
		c, err := db.ScheduleChange(ctx, controlplane.ScheduledChange{At: at, Field: "resetAccount", Input: []byte(`"acc_1"`), AccountID: account.ID})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	now := time.Now()
	due, later := scheduled(now.Add(-time.Hour)), scheduled(now.Add(time.Hour))
	found, next, err := db.DueChanges(t.Context(), 10)
	if err != nil || len(found) != 1 || found[0].ID != due.ID || found[0].By.ID != 7 || next < 50*time.Minute {
		t.Fatalf("due are %+v, next in %v, %v", found, next, err)
	}
	errs := make(chan error, 6)
	for i := range cap(errs) {
		go func() {
			_, _, err := []*postgres.DB{db, other}[i%2].ResetAccount(postgres.CarryingOut(t.Context(), due.ID), account.ID)
			errs <- err
		}()
	}
	done := 0
	for range cap(errs) {
		if err := <-errs; err == nil {
			done++
		}
	}
	accounts, err := db.AccountsByID(t.Context(), []controlplane.ID{account.ID})
	if err != nil || done != 1 || accounts[0].Epoch != 1 {
		t.Errorf("it was done %d times, and %d are seen, %v", done, accounts[0].Epoch, err)
	}
	t.Run("one that is settled neither fails nor is cancelled", func(t *testing.T) {
		if err := db.FailScheduledChange(t.Context(), due.ID, "late"); err != nil {
			t.Error(err)
		}
		_, err := db.CancelScheduledChange(t.Context(), due.ID, func(controlplane.ScheduledChange) error { return nil })
		wantFault(t, err, controlplane.CodeConflict, "id")
		if c, err := db.ScheduledChange(t.Context(), due.ID); err != nil || c.Status != controlplane.ScheduleDone || c.SettledAt == nil {
			t.Errorf("it is %+v, %v", c, err)
		}
	})
	t.Run("one that fails on our side is put off, ten times", func(t *testing.T) {
		again, tries := true, 0
		for ; again && tries < 20; tries++ {
			if again, err = db.RetryScheduledChange(t.Context(), later.ID); err != nil {
				t.Fatal(err)
			}
		}
		if tries != 10 {
			t.Errorf("tried %d times", tries)
		}
	})
}
