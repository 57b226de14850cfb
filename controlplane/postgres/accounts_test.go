package postgres_test

import (
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/book"
)

// perAddress is a limit for callers without an account.
func perAddress() controlplane.Limit {
	l := rate("per-address", 10, controlplane.Minute, 10)
	l.Subject = controlplane.SubjectAddress
	return l
}

func TestAnAccountWithoutATierIsOnTheDefaultOne(t *testing.T) {
	db := open(t)
	defaults, err := db.Defaults(t.Context())
	if err != nil || defaults.TierID == 0 || defaults.AnonymousID != 0 {
		t.Fatalf("a new database has defaults %+v, %v", defaults, err)
	}
	account := newAccount(t, db, "Birch", 0)
	if account.TierID != defaults.TierID || !account.OnDefaultTier {
		t.Errorf("got %+v", account)
	}
	newKey(t, db, account.ID)
	counts, err := db.AccountCounts(t.Context(), []controlplane.ID{defaults.TierID})
	if err != nil || counts[defaults.TierID] != 1 {
		t.Errorf("counts %v, %v", counts, err)
	}
	page, err := db.Accounts(t.Context(), controlplane.AccountFilter{TierID: defaults.TierID}, controlplane.AccountOrder{}, 0, 10)
	if err != nil || page.Total != 1 {
		t.Errorf("on the default tier there are %+v, %v", page, err)
	}
	basic := newTier(t, db, "Basic", perMinute(5))
	if _, _, err := db.SetDefaults(t.Context(), controlplane.DefaultsEdit{TierID: &basic.ID}); err != nil {
		t.Fatal(err)
	}
	if plan := planOf(t, readPolicy(t, db), account.ID); plan.ID != uint64(basic.ID) {
		t.Errorf("with another default it is on %+v", plan)
	}
	own, none := defaults.TierID, controlplane.ID(0)
	account, _, err = db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: account.ID, TierID: &own})
	if err != nil || account.OnDefaultTier || account.TierID != own {
		t.Errorf("put on a tier it is %+v, %v", account, err)
	}
	account, _, err = db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: account.ID, TierID: &none})
	if err != nil || !account.OnDefaultTier || account.TierID != basic.ID {
		t.Errorf("put on the default tier it is %+v, %v", account, err)
	}
}

func TestAPageBeginsAfterAnAccountThatExists(t *testing.T) {
	db := open(t)
	first, second := newAccount(t, db, "Alder", 0), newAccount(t, db, "Birch", 0)
	page, err := db.Accounts(t.Context(), controlplane.AccountFilter{}, controlplane.AccountOrder{}, first.ID, 10)
	if err != nil || len(page.Accounts) != 1 || page.Accounts[0].ID != second.ID {
		t.Errorf("after the first there are %+v, %v", page, err)
	}
	_, err = db.Accounts(t.Context(), controlplane.AccountFilter{}, controlplane.AccountOrder{}, second.ID+1000, 10)
	wantFault(t, err, controlplane.CodeNotFound, "after")
}

func TestTiersSuitTheirCallers(t *testing.T) {
	db := open(t)
	addresses, basic := newTier(t, db, "Addresses", perAddress()), newTier(t, db, "Basic", perMinute(5))
	account := newAccount(t, db, "Birch", 0)
	none := controlplane.ID(0)
	invalid := func(field string, err error) { t.Helper(); wantFault(t, err, controlplane.CodeValidation, field) }

	_, _, err := db.CreateAccount(t.Context(), controlplane.NewAccount{Name: "Ash", TierID: addresses.ID, TimeZone: "UTC", BillingDay: 1})
	invalid("tierId", err)
	_, _, err = db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: account.ID, TierID: &addresses.ID})
	invalid("tierId", err)
	_, _, err = db.SetDefaults(t.Context(), controlplane.DefaultsEdit{TierID: &addresses.ID})
	invalid("tierId", err)
	_, _, err = db.SetDefaults(t.Context(), controlplane.DefaultsEdit{AnonymousID: &basic.ID})
	invalid("anonymousTierId", err)

	if _, _, err := db.SetDefaults(t.Context(), controlplane.DefaultsEdit{AnonymousID: &addresses.ID}); err != nil {
		t.Fatal(err)
	}
	if p := readPolicy(t, db); p.Anonymous != uint64(addresses.ID) {
		t.Errorf("the anonymous plan is %d", p.Anonymous)
	}
	limits := []controlplane.Limit{perMinute(1)}
	_, _, err = db.UpdateTier(t.Context(), controlplane.TierEdit{ID: addresses.ID, Limits: &limits})
	invalid("limits.0.subject", err)
	limits = []controlplane.Limit{perAddress()}
	_, _, err = db.UpdateTier(t.Context(), controlplane.TierEdit{ID: account.TierID, Limits: &limits})
	invalid("limits.0.subject", err)
	if _, _, err := db.UpdateTier(t.Context(), controlplane.TierEdit{ID: basic.ID, Limits: &limits}); err != nil {
		t.Errorf("a tier that nobody is on: %v", err)
	}
	for _, id := range []controlplane.ID{addresses.ID, account.TierID} {
		_, err = db.DeleteTier(t.Context(), id, nil)
		wantFault(t, err, controlplane.CodeConflict, "id")
	}
	if _, _, err := db.SetDefaults(t.Context(), controlplane.DefaultsEdit{AnonymousID: &none}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.DeleteTier(t.Context(), addresses.ID, nil); err != nil {
		t.Error(err)
	}
	missing := controlplane.ID(999)
	_, _, err = db.SetDefaults(t.Context(), controlplane.DefaultsEdit{TierID: &missing})
	wantFault(t, err, controlplane.CodeNotFound, "tierId")
}

func TestUpdateKey(t *testing.T) {
	db := open(t)
	key := newKey(t, db, newAccount(t, db, "Birch", 0).ID)
	yes, no, expires := true, false, time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	edit := func(e controlplane.KeyEdit) controlplane.Key {
		t.Helper()
		e.ID = key.ID
		changed, _, err := db.UpdateKey(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		return changed
	}
	if k := edit(controlplane.KeyEdit{Suspended: &yes, ExpiresAt: &expires}); !k.Suspended || k.ExpiresAt == nil || !k.ExpiresAt.Equal(expires) {
		t.Errorf("suspended and expiring: %+v", k)
	}
	if k := edit(controlplane.KeyEdit{Suspended: &no}); k.Suspended || k.ExpiresAt == nil {
		t.Errorf("live again: %+v", k)
	}
	if k := edit(controlplane.KeyEdit{NeverExpires: true}); k.ExpiresAt != nil {
		t.Errorf("never expiring: %+v", k)
	}
	if p := readPolicy(t, db); p.Keys[0].ExpiresAt != 0 || p.Keys[0].Suspended {
		t.Errorf("the filter's key is %+v", p.Keys[0])
	}
	epoch := time.Unix(0, 0)
	edit(controlplane.KeyEdit{ExpiresAt: &epoch})
	if p := readPolicy(t, db); p.Keys[0].ExpiresAt != 1 {
		t.Errorf("expired at the beginning of time, the filter's key is %+v", p.Keys[0])
	}
	if _, _, err := db.RevokeKey(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	_, _, err := db.UpdateKey(t.Context(), controlplane.KeyEdit{ID: key.ID, Suspended: &no})
	wantFault(t, err, controlplane.CodeConflict, "id")
	_, _, err = db.UpdateKey(t.Context(), controlplane.KeyEdit{ID: 999})
	wantFault(t, err, controlplane.CodeNotFound, "id")
}

func TestIdentitiesAreUniqueAndShareNoIDWithKeys(t *testing.T) {
	db := open(t)
	account, other := newAccount(t, db, "Birch", 0), newAccount(t, db, "Alder", 0)
	key := newKey(t, db, account.ID)
	subject := controlplane.Identity{AccountID: account.ID, Kind: controlplane.JWTSubject, Value: "svc"}
	if _, _, err := db.AddIdentity(t.Context(), subject); err != nil {
		t.Fatal(err)
	}
	found, err := db.IdentitiesByAccount(t.Context(), []controlplane.ID{account.ID})
	if err != nil || len(found) != 1 || found[0].ID <= key.ID || found[0].Value != "svc" {
		t.Fatalf("got %+v, %v", found, err)
	}
	if next := newKey(t, db, account.ID); next.ID <= found[0].ID {
		t.Errorf("key %d after identity %d", next.ID, found[0].ID)
	}
	subject.AccountID = other.ID
	_, _, err = db.AddIdentity(t.Context(), subject)
	wantFault(t, err, controlplane.CodeValidation, "value")
	subject.Issuer = "https://issuer.test"
	if _, _, err = db.AddIdentity(t.Context(), subject); err != nil {
		t.Errorf("the same subject of one issuer: %v", err)
	}
	_, _, err = db.AddIdentity(t.Context(), subject)
	wantFault(t, err, controlplane.CodeValidation, "value")
	digests := map[[32]byte]uint64{}
	for _, k := range readPolicy(t, db).Keys {
		digests[k.Digest] = k.Account
	}
	if digests[book.SubjectDigest("svc")] != uint64(account.ID) || digests[book.IssuedSubjectDigest("https://issuer.test", "svc")] != uint64(other.ID) {
		t.Errorf("the policy has %v", digests)
	}
	subject.AccountID, subject.Value, subject.Issuer = 999, "else", ""
	_, _, err = db.AddIdentity(t.Context(), subject)
	wantFault(t, err, controlplane.CodeNotFound, "accountId")
	if owner, _, err := db.RemoveIdentity(t.Context(), found[0].ID); err != nil || owner.ID != account.ID {
		t.Errorf("removed from %+v, %v", owner, err)
	}
	_, _, err = db.RemoveIdentity(t.Context(), found[0].ID)
	wantFault(t, err, controlplane.CodeNotFound, "id")
}

func TestEndpointGroups(t *testing.T) {
	db := open(t)
	group, _, err := db.CreateEndpointGroup(t.Context(), "writes")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = db.CreateEndpointGroup(t.Context(), "writes")
	wantFault(t, err, controlplane.CodeValidation, "name")
	endpoint, _, err := db.CreateEndpoint(t.Context(), controlplane.Endpoint{Method: "GET", Template: "/v1/users/{id}", Cost: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = db.CreateEndpoint(t.Context(), controlplane.Endpoint{Method: "GET", Template: "/v1/users/{name}", Cost: 1})
	wantFault(t, err, controlplane.CodeValidation, "template")
	cost, none, missing := 5, controlplane.ID(0), controlplane.ID(999)
	endpoint, _, err = db.UpdateEndpoint(t.Context(), controlplane.EndpointEdit{ID: endpoint.ID, Cost: &cost, GroupID: &group.ID})
	if err != nil || endpoint.Cost != 5 || endpoint.GroupID != group.ID {
		t.Errorf("got %+v, %v", endpoint, err)
	}
	_, _, err = db.UpdateEndpoint(t.Context(), controlplane.EndpointEdit{ID: endpoint.ID, GroupID: &missing})
	wantFault(t, err, controlplane.CodeNotFound, "groupId")
	if in, err := db.EndpointsByGroup(t.Context(), []controlplane.ID{group.ID}); err != nil || len(in) != 1 || in[0].ID != endpoint.ID {
		t.Errorf("in the group there are %+v, %v", in, err)
	}
	endpoint, _, err = db.UpdateEndpoint(t.Context(), controlplane.EndpointEdit{ID: endpoint.ID, GroupID: &none})
	if err != nil || endpoint.GroupID != 0 {
		t.Errorf("taken out it is %+v, %v", endpoint, err)
	}
	l := perMinute(1)
	l.Selector, l.Group = controlplane.SelectGroup, missing
	_, _, err = db.CreateTier(t.Context(), "Basic", []controlplane.Limit{l})
	wantFault(t, err, controlplane.CodeNotFound, "limits.0.groupId")
	l.Group = group.ID
	tier := newTier(t, db, "Basic", l, onEndpoint(rate("users", 1, controlplane.Day, 1), endpoint.ID))
	_, err = db.DeleteEndpointGroup(t.Context(), group.ID)
	wantFault(t, err, controlplane.CodeConflict, "id")
	_, err = db.DeleteEndpoint(t.Context(), endpoint.ID, nil)
	wantFault(t, err, controlplane.CodeConflict, "id")
	if _, err := db.DeleteTier(t.Context(), tier.ID, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := db.DeleteEndpointGroup(t.Context(), group.ID); err != nil {
		t.Error(err)
	}
}
