package postgres_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/book"
)

func readPolicy(t *testing.T, db *postgres.DB) book.Policy {
	t.Helper()
	p, err := db.Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := book.Compile(p, nil); err != nil {
		t.Fatal(err)
	}
	return p
}

// planOf returns the plan that an account's keys are on.
func planOf(t *testing.T, p book.Policy, account controlplane.ID) book.Plan {
	t.Helper()
	for _, k := range p.Keys {
		if k.Account != uint64(account) {
			continue
		}
		for _, plan := range p.Plans {
			if plan.ID == k.Plan {
				return plan
			}
		}
	}
	t.Fatalf("account %d has no key with a plan", account)
	return book.Plan{}
}

func newKey(t *testing.T, db *postgres.DB, account controlplane.ID) controlplane.Key {
	t.Helper()
	key, _, err := db.CreateKey(t.Context(), controlplane.NewKey{AccountID: account, Name: "key"}, controlplane.NewSecret("weir_"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func setOverride(t *testing.T, db *postgres.DB, o controlplane.Override) {
	t.Helper()
	if _, _, err := db.SetOverride(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
}

func TestPolicyIsTheWholeAndLiveOnly(t *testing.T) {
	db := open(t)
	group, _, err := db.CreateEndpointGroup(t.Context(), "people")
	if err != nil {
		t.Fatal(err)
	}
	endpoint, _, err := db.CreateEndpoint(t.Context(), controlplane.Endpoint{Method: "GET", Template: "/v1/users/{id}", Cost: 3, GroupID: group.ID})
	if err != nil {
		t.Fatal(err)
	}
	grouped := controlplane.Limit{
		Name: "people", Subject: controlplane.SubjectKey, Selector: controlplane.SelectGroup, Group: group.ID, Measure: controlplane.MeasureCost,
		Kind: controlplane.Quota, Amount: 9, Period: controlplane.Billing, Mode: controlplane.Soft, GracePercent: 10, GraceSeconds: 60, RefundErrors: true,
	}
	adaptive := controlplane.Limit{
		Name: "adaptive", Subject: controlplane.SubjectAccount, Selector: controlplane.SelectWrites, Measure: controlplane.MeasureBytes,
		Kind: controlplane.Window, Amount: 7, Period: controlplane.Day, Mode: controlplane.Shadow, FailOpen: true,
		Adaptive: controlplane.Adaptive{ErrorPercent: 5, SlowMS: 100, SlowPercent: 6, FloorPercent: 20},
	}
	tier := newTier(t, db, "Basic", onEndpoint(rate("users", 1, controlplane.Hour, 4), endpoint.ID), grouped, adaptive)
	account := newAccount(t, db, "Birch", tier.ID)
	suspended, expires := true, time.Date(2030, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	if _, _, err := db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: account.ID, Status: controlplane.AccountSuspended}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.ResetAccount(t.Context(), account.ID); err != nil {
		t.Fatal(err)
	}
	secret, gone := controlplane.NewSecret("weir_"), controlplane.NewSecret("weir_")
	key, _, err := db.CreateKey(t.Context(), controlplane.NewKey{AccountID: account.ID, Name: "live", ExpiresAt: &expires}, secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.UpdateKey(t.Context(), controlplane.KeyEdit{ID: key.ID, Suspended: &suspended}); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []controlplane.IdentityKind{controlplane.JWTSubject, controlplane.Certificate} {
		if _, _, err := db.AddIdentity(t.Context(), controlplane.Identity{AccountID: account.ID, Kind: kind, Value: "svc"}); err != nil {
			t.Fatal(err)
		}
	}
	revoked, _, err := db.CreateKey(t.Context(), controlplane.NewKey{AccountID: account.ID, Name: "old"}, gone)
	if err != nil {
		t.Fatal(err)
	}
	_, version, err := db.RevokeKey(t.Context(), revoked.ID)
	if err != nil {
		t.Fatal(err)
	}
	identities, err := db.IdentitiesByAccount(t.Context(), []controlplane.ID{account.ID})
	if err != nil {
		t.Fatal(err)
	}
	defaults, err := db.Defaults(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := readPolicy(t, db)
	slices.SortFunc(got.Plans, func(a, b book.Plan) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(got.Keys, func(a, b book.Key) int { return cmp.Compare(a.ID, b.ID) })
	limitID := func(i int) uint64 { return uint64(tier.Limits[i].ID) }
	// The new database has a tier, so this tier's first cohort is the second.
	const cohortPlan = 1<<46 + 2
	identity := func(i controlplane.Identity, kind book.KeyKind, digest [32]byte) book.Key {
		return book.Key{ID: uint64(i.ID), Account: uint64(account.ID), Plan: cohortPlan, Digest: digest, Kind: kind, AccountSuspended: true, Epoch: 1}
	}
	limits := []book.Limit{
		{ID: limitID(0), Name: "users", Selector: book.OneEndpoint, Target: uint64(endpoint.ID), FailOpen: true, Amount: 1, PeriodSeconds: 3600, Burst: 4},
		{
			ID: limitID(1), Name: "people", Subject: book.PerKey, Selector: book.OneGroup, Target: uint64(group.ID), Kind: book.Quota,
			Measure: book.Cost, Mode: book.Soft, Refund: true, Amount: 9, QuotaPeriod: book.Billing, GracePercent: 10, GraceSeconds: 60,
		},
		{
			ID: limitID(2), Name: "adaptive", Selector: book.Writes, Kind: book.Window, Measure: book.Bytes, Mode: book.Shadow, FailOpen: true,
			Amount: 7, PeriodSeconds: 86400, Adaptive: book.Adaptive{ErrorPercent: 5, SlowMS: 100, SlowPercent: 6, FloorPercent: 20},
		},
	}
	want := book.Policy{
		Version:   version,
		Groups:    []book.Group{{ID: uint64(group.ID), Name: "people"}},
		Endpoints: []book.Endpoint{{ID: uint64(endpoint.ID), Method: "GET", Template: "/v1/users/{id}", Cost: 3, Group: uint64(group.ID)}},
		Plans: []book.Plan{
			{ID: uint64(defaults.TierID), Tier: uint64(defaults.TierID), Name: "Default", Limits: []book.Limit{
				{ID: 1, Name: "per-minute", FailOpen: true, Amount: 100, Burst: 100, PeriodSeconds: 60},
			}},
			{ID: uint64(tier.ID), Tier: uint64(tier.ID), Name: "Basic", Limits: limits},
			{ID: cohortPlan, Tier: uint64(tier.ID), Name: "Basic", Limits: limits},
		},
		Keys: []book.Key{
			{
				ID: uint64(key.ID), Account: uint64(account.ID), Plan: cohortPlan, Digest: secret.Digest(), Kind: book.APIKey,
				Suspended: true, AccountSuspended: true, ExpiresAt: expires.UnixMilli(), Epoch: 1,
			},
			identity(identities[1], book.JWTSubject, book.SubjectDigest("svc")),
			identity(identities[0], book.Certificate, book.CertificateDigest("svc")),
		},
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestThePolicySaysWhenAnOverrideEnds(t *testing.T) {
	db := open(t)
	tier := newTier(t, db, "Basic", perMinute(100), rate("hourly", 1000, controlplane.Hour, 1000))
	account := newAccount(t, db, "Birch", tier.ID)
	newKey(t, db, account.ID)
	until := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	setOverride(t, db, controlplane.Override{AccountID: account.ID, LimitID: tier.Limits[1].ID, Amount: 5, Until: &until})
	limits := planOf(t, readPolicy(t, db), account.ID).Limits
	if limits[0].EndsAtMS != 0 || limits[1].EndsAtMS != until.UnixMilli() {
		t.Errorf("they end at %d and %d, want never and %d", limits[0].EndsAtMS, limits[1].EndsAtMS, until.UnixMilli())
	}
}

func TestAccountsWithTheSameOverridesShareAPlan(t *testing.T) {
	db := open(t)
	tier := newTier(t, db, "Basic", perMinute(100), rate("hourly", 1000, controlplane.Hour, 50))
	other := newTier(t, db, "Other", perMinute(1))
	minute, hourly := tier.Limits[0].ID, tier.Limits[1].ID
	a, b, c, plain := newAccount(t, db, "a", tier.ID), newAccount(t, db, "b", tier.ID), newAccount(t, db, "c", tier.ID), newAccount(t, db, "d", tier.ID)
	for _, account := range []controlplane.Account{a, b, c, plain} {
		newKey(t, db, account.ID)
	}
	for _, account := range []controlplane.Account{a, b} {
		setOverride(t, db, controlplane.Override{AccountID: account.ID, LimitID: minute, Amount: 500})
		setOverride(t, db, controlplane.Override{AccountID: account.ID, LimitID: hourly, Amount: 5000, Burst: 70, Mode: controlplane.Shadow})
	}
	setOverride(t, db, controlplane.Override{AccountID: c.ID, LimitID: minute, Amount: 501})

	p := readPolicy(t, db)
	of := planOf(t, p, a.ID)
	if of.ID != planOf(t, p, b.ID).ID || of.ID == planOf(t, p, c.ID).ID || of.ID == uint64(tier.ID) {
		t.Errorf("plans %d, %d and %d", of.ID, planOf(t, p, b.ID).ID, planOf(t, p, c.ID).ID)
	}
	if plan := planOf(t, p, plain.ID); plan.Tier != uint64(tier.ID) || plan.Limits[0].Amount != 100 {
		t.Errorf("an account without overrides is on %+v", plan)
	}
	l := of.Limits
	if of.Tier != uint64(tier.ID) || of.Name != "Basic" || l[0].Amount != 500 || l[0].Burst != 100 || l[1].Amount != 5000 || l[1].Burst != 70 || l[1].Mode != book.Shadow {
		t.Errorf("plan %+v", of)
	}

	// Where its tier hasn't the limit, an override waits.
	if _, _, err := db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: a.ID, TierID: &other.ID}); err != nil {
		t.Fatal(err)
	}
	if plan := planOf(t, readPolicy(t, db), a.ID); plan.Tier != uint64(other.ID) {
		t.Errorf("moved to another tier, it is on %+v", plan)
	}
	if _, _, err := db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: a.ID, TierID: &tier.ID}); err != nil {
		t.Fatal(err)
	}
	if plan := planOf(t, readPolicy(t, db), a.ID); plan.Limits[0].Amount != 500 {
		t.Errorf("moved back, it is on %+v", plan)
	}
}
