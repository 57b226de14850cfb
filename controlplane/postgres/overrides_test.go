package postgres_test

import (
	"sync"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
)

func TestSetOverride(t *testing.T) {
	db := open(t)
	tier, other := newTier(t, db, "Basic", perMinute(100)), newTier(t, db, "Other", perMinute(1))
	account := newAccount(t, db, "Birch", tier.ID)
	limit := tier.Limits[0].ID
	newKey(t, db, account.ID)
	overrides := func() []controlplane.Override {
		t.Helper()
		found, err := db.OverridesByAccount(t.Context(), []controlplane.ID{account.ID})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	until := time.Now().Add(time.Hour)
	setOverride(t, db, controlplane.Override{AccountID: account.ID, LimitID: limit, Amount: 5, Until: &until})
	setOverride(t, db, controlplane.Override{AccountID: account.ID, LimitID: limit, Amount: 7, Burst: 8, Mode: controlplane.Soft, Note: "a trial"})
	all := overrides()
	if len(all) != 1 || all[0].Amount != 7 || all[0].Burst != 8 || all[0].Mode != controlplane.Soft || all[0].Until != nil || all[0].Note != "a trial" {
		t.Fatalf("set twice, there are %+v", all)
	}
	for field, o := range map[string]controlplane.Override{
		"accountId": {AccountID: 999, LimitID: limit, Amount: 1},
		"limitId":   {AccountID: account.ID, LimitID: other.Limits[0].ID, Amount: 1},
	} {
		_, _, err := db.SetOverride(t.Context(), o, nil)
		wantFault(t, err, controlplane.CodeNotFound, field)
	}
	if _, _, err := db.DeleteOverride(t.Context(), all[0].ID, nil); err != nil {
		t.Fatal(err)
	}
	if left := overrides(); len(left) != 0 {
		t.Errorf("deleted, there are %+v", left)
	}
	_, _, err := db.DeleteOverride(t.Context(), all[0].ID, nil)
	wantFault(t, err, controlplane.CodeNotFound, "id")
	if plan := planOf(t, readPolicy(t, db), account.ID); plan.Limits[0].Amount != 100 {
		t.Errorf("without its override it is on %+v", plan)
	}
}

func TestAnOverrideEndsOnceByItself(t *testing.T) {
	db := open(t)
	tier := newTier(t, db, "Basic", perMinute(100))
	account, lasting := newAccount(t, db, "Birch", tier.ID), newAccount(t, db, "Alder", tier.ID)
	newKey(t, db, account.ID)
	newKey(t, db, lasting.ID)
	limit := tier.Limits[0].ID
	if state, err := db.PolicyState(t.Context()); err != nil || state.NextEnd >= 0 {
		t.Errorf("without overrides the state is %+v, %v", state, err)
	}
	later := time.Now().Add(time.Hour)
	setOverride(t, db, controlplane.Override{AccountID: lasting.ID, LimitID: limit, Amount: 5, Until: &later})
	if state, err := db.PolicyState(t.Context()); err != nil || state.NextEnd < 50*time.Minute || state.NextEnd > time.Hour {
		t.Errorf("with an hour to go the state is %+v, %v", state, err)
	}
	past := time.Now().Add(-time.Minute)
	setOverride(t, db, controlplane.Override{AccountID: account.ID, LimitID: limit, Amount: 5, Until: &past})
	before := policyVersion(t, db)
	if state, err := db.PolicyState(t.Context()); err != nil || state.NextEnd != 0 {
		t.Errorf("with an end in the past the state is %+v, %v", state, err)
	}
	// The policy of one version is one policy, whatever the time.
	if plan := planOf(t, readPolicy(t, db), account.ID); plan.Limits[0].Amount != 5 {
		t.Errorf("without a new version it is on %+v", plan)
	}
	versions := make([]uint64, 8)
	var wg sync.WaitGroup
	for i := range versions {
		wg.Go(func() {
			if err := db.EndOverrides(t.Context()); err != nil {
				t.Error(err)
			}
			versions[i] = policyVersion(t, db)
		})
	}
	wg.Wait()
	for _, v := range versions {
		if v <= before || v != versions[0] {
			t.Errorf("ended by several, it has versions %v after %d; want one new one", versions, before)
			break
		}
	}
	p := readPolicy(t, db)
	if plan := planOf(t, p, account.ID); plan.Limits[0].Amount != 100 {
		t.Errorf("after its end it is on %+v", plan)
	}
	if plan := planOf(t, p, lasting.ID); plan.Limits[0].Amount != 5 {
		t.Errorf("before its end it is on %+v", plan)
	}
	// Set anew, it holds again.
	setOverride(t, db, controlplane.Override{AccountID: account.ID, LimitID: limit, Amount: 6, Until: &later})
	if plan := planOf(t, readPolicy(t, db), account.ID); plan.Limits[0].Amount != 6 {
		t.Errorf("set anew it is on %+v", plan)
	}
}
