package postgres_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
)

func updateAccount(t *testing.T, db *postgres.DB, e controlplane.AccountEdit) controlplane.Account {
	t.Helper()
	account, _, err := db.UpdateAccount(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return account
}

func TestAClosedAccountIsRefusedAndStaysAsItIs(t *testing.T) {
	db := open(t)
	tier := newTier(t, db, "Basic", perMinute(5))
	account := newAccount(t, db, "Birch", tier.ID)
	before, key := newKey(t, db, account.ID), newKey(t, db, account.ID)
	if _, _, err := db.RevokeKey(t.Context(), before.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.AddIdentity(t.Context(), controlplane.Identity{AccountID: account.ID, Kind: controlplane.JWTSubject, Value: "svc"}); err != nil {
		t.Fatal(err)
	}
	identities, err := db.IdentitiesByAccount(t.Context(), []controlplane.ID{account.ID})
	if err != nil {
		t.Fatal(err)
	}
	setOverride(t, db, controlplane.Override{AccountID: account.ID, LimitID: tier.Limits[0].ID, Amount: 9})
	overrides, err := db.OverridesByAccount(t.Context(), []controlplane.ID{account.ID})
	if err != nil {
		t.Fatal(err)
	}
	closed := updateAccount(t, db, controlplane.AccountEdit{ID: account.ID, Status: controlplane.AccountClosed})
	if closed.Status != controlplane.AccountClosed || closed.ClosedAt == nil {
		t.Errorf("closed, it is %+v", closed)
	}
	t.Run("its keys are revoked, and refused as its identities are", func(t *testing.T) {
		p := readPolicy(t, db)
		if len(p.Keys) != 2 || !p.Keys[0].AccountSuspended || !p.Keys[1].AccountSuspended {
			t.Errorf("the filter has %+v", p.Keys)
		}
		keys, err := db.KeysByID(t.Context(), []controlplane.ID{key.ID})
		if err != nil || keys[0].RevokedAt == nil {
			t.Errorf("the key is %+v, %v", keys, err)
		}
		page, err := db.AuditLog(t.Context(), audit.Filter{AccountID: account.ID, Actions: []audit.Action{audit.RevokeKey}}, 0, 10)
		if err != nil || len(page.Records) != 2 {
			t.Errorf("recorded are %+v, %v", page.Records, err)
		}
	})
	t.Run("nothing of it can be changed", func(t *testing.T) {
		name := "Ash"
		for what, do := range map[string]func() error{
			"id update": func() error {
				_, _, err := db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: account.ID, Name: &name})
				return err
			},
			"id reset": func() error { _, _, err := db.ResetAccount(t.Context(), account.ID); return err },
			"accountId override": func() error {
				_, _, err := db.SetOverride(t.Context(), controlplane.Override{AccountID: account.ID, LimitID: tier.Limits[0].ID, Amount: 1}, nil)
				return err
			},
			"id override": func() error { _, _, err := db.DeleteOverride(t.Context(), overrides[0].ID, nil); return err },
			"accountId identity": func() error {
				_, _, err := db.AddIdentity(t.Context(), controlplane.Identity{AccountID: account.ID, Kind: controlplane.JWTSubject, Value: "b"})
				return err
			},
			"id identity": func() error { _, _, err := db.RemoveIdentity(t.Context(), identities[0].ID); return err },
			"accountId key": func() error {
				_, _, err := db.CreateKey(t.Context(), controlplane.NewKey{AccountID: account.ID, Name: "k"}, controlplane.NewSecret("weir_"))
				return err
			},
		} {
			field, _, _ := strings.Cut(what, " ")
			wantFault(t, do(), controlplane.CodeConflict, field)
		}
	})
	t.Run("reopened it is suspended, and its keys are unknown", func(t *testing.T) {
		if got := updateAccount(t, db, controlplane.AccountEdit{ID: account.ID, Status: controlplane.AccountSuspended}); got.ClosedAt != nil {
			t.Errorf("it is %+v", got)
		}
		if p := readPolicy(t, db); len(p.Keys) != 1 || !p.Keys[0].AccountSuspended {
			t.Errorf("the filter has %+v", p.Keys)
		}
		updateAccount(t, db, controlplane.AccountEdit{ID: account.ID, Status: controlplane.AccountActive})
		if p := readPolicy(t, db); len(p.Keys) != 1 || p.Keys[0].AccountSuspended {
			t.Errorf("the filter has %+v", p.Keys)
		}
	})
}

func TestATrialEndsOnceByItselfAndLate(t *testing.T) {
	url := databases.New(t)
	db, other := connect(t, url), connect(t, url)
	basic, paid := newTier(t, db, "Basic", perMinute(5)), newTier(t, db, "Paid", perMinute(50))
	now := time.Now()
	trialOf := func(name string, ends time.Time, then controlplane.TrialEnd, tier controlplane.ID) controlplane.Account {
		a := newAccountAs(t, db, controlplane.NewAccount{Name: name, TierID: basic.ID, Trial: &controlplane.Trial{EndsAt: ends, Then: then, TierID: tier}})
		newKey(t, db, a.ID)
		return a
	}
	later := trialOf("later", now.Add(time.Hour), controlplane.TrialSuspends, 0)
	if state, err := db.PolicyState(t.Context()); err != nil || state.NextEnd < 50*time.Minute || state.NextEnd > time.Hour {
		t.Errorf("with an hour to go the state is %+v, %v", state, err)
	}
	moved := trialOf("moved", now.Add(-time.Hour), controlplane.TrialActivates, paid.ID)
	stays := trialOf("stays", now.Add(-time.Minute), controlplane.TrialActivates, 0)
	stops := trialOf("stops", now.Add(-time.Second), controlplane.TrialSuspends, 0)
	if state, err := db.PolicyState(t.Context()); err != nil || state.NextEnd != 0 {
		t.Errorf("with trials that have ended the state is %+v, %v", state, err)
	}
	before := policyVersion(t, db)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			if err := []*postgres.DB{db, other}[i%2].EndTrials(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if policyVersion(t, db) <= before {
		t.Error("the policy has no new version")
	}
	accounts, err := db.AccountsByID(t.Context(), []controlplane.ID{later.ID, moved.ID, stays.ID, stops.ID})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range accounts {
		want := map[controlplane.ID]struct {
			status controlplane.AccountStatus
			tier   controlplane.ID
		}{
			later.ID: {controlplane.AccountTrial, basic.ID}, moved.ID: {controlplane.AccountActive, paid.ID},
			stays.ID: {controlplane.AccountActive, basic.ID}, stops.ID: {controlplane.AccountSuspended, basic.ID},
		}[a.ID]
		if a.Status != want.status || a.TierID != want.tier || (a.Trial != nil) != (a.ID == later.ID) {
			t.Errorf("%s is %+v", a.Name, a)
		}
	}
	page, err := db.AuditLog(t.Context(), audit.Filter{Actions: []audit.Action{audit.EndTrial}}, 0, 10)
	if err != nil || len(page.Records) != 3 || page.Records[0].Actor.Kind != controlplane.ActorSystem {
		t.Errorf("recorded are %+v, %v", page.Records, err)
	}
	if _, err := db.DeleteTier(t.Context(), paid.ID, nil); err == nil {
		t.Error("the tier of an account could be deleted")
	}
}

func TestATierThatATrialLeadsToStays(t *testing.T) {
	db := open(t)
	paid := newTier(t, db, "Paid", perMinute(50))
	newAccountAs(t, db, controlplane.NewAccount{Name: "Birch", Trial: &controlplane.Trial{EndsAt: time.Now().Add(time.Hour), Then: controlplane.TrialActivates, TierID: paid.ID}})
	_, err := db.DeleteTier(t.Context(), paid.ID, nil)
	wantFault(t, err, controlplane.CodeConflict, "id")
	limits := []controlplane.Limit{perAddress()}
	_, _, err = db.UpdateTier(t.Context(), controlplane.TierEdit{ID: paid.ID, Limits: &limits})
	wantFault(t, err, controlplane.CodeValidation, "limits.0.subject")
	missing := controlplane.NewAccount{Name: "Ash", TimeZone: "UTC", BillingDay: 1, Trial: &controlplane.Trial{EndsAt: time.Now().Add(time.Hour), Then: controlplane.TrialActivates, TierID: 999}}
	_, _, err = db.CreateAccount(t.Context(), missing)
	wantFault(t, err, controlplane.CodeNotFound, "trial.tierId")
}
