package demo

import (
	"context"
	"fmt"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

// The API keys of the demo accounts. Everybody knows them: they are for a
// machine that only listens to itself.
const (
	BasicKey        = "demo-basic"
	ProfessionalKey = "demo-professional"
	EnterpriseKey   = "demo-enterprise"
)

// plan is a demo account with its tier. The parts for single endpoints are of
// the account's requests a minute.
type plan struct {
	account, key, tier     string
	minute, orders, search int64
}

var plans = [...]plan{
	{"Larkspur Books", BasicKey, "Basic", 100, 20, 30},
	{"Halden Logistics", ProfessionalKey, "Professional", 1000, 200, 300},
	{"Meridian Freight Group", EnterpriseKey, "Enterprise", 10_000, 2000, 3000},
}

const (
	createOrder = "POST /v1/orders"
	search      = "GET /v1/search"
)

var endpoints = [...]controlplane.Endpoint{
	{Method: "GET", Template: "/v1/users/{id}", Cost: 1},
	{Method: "GET", Template: "/v1/orders", Cost: 1},
	{Method: "POST", Template: "/v1/orders", Cost: 1},
	{Method: "GET", Template: "/v1/orders/{id}", Cost: 1},
	{Method: "GET", Template: "/v1/search", Cost: 1},
}

// Seed makes the demo's accounts, as long as the database has no others, and
// whatever they need. It changes nothing that is there: after a crash half-way
// it goes on, and once it is done it never does anything again.
func Seed(ctx context.Context, db *postgres.DB) error {
	page, err := db.Accounts(ctx, controlplane.AccountFilter{}, 0, len(plans)+1)
	if err != nil {
		return fmt.Errorf("seed the demo: %w", err)
	}
	present := map[string]controlplane.Account{}
	for _, a := range page.Accounts {
		present[a.Name] = a
	}
	if !onlyPlanned(present) {
		return nil
	}
	for _, p := range plans {
		if err := seedPlan(ctx, db, p, present); err != nil {
			return fmt.Errorf("seed the demo account %s: %w", p.account, err)
		}
	}
	return nil
}

// onlyPlanned says whether all accounts are the demo's, under their old names.
func onlyPlanned(accounts map[string]controlplane.Account) bool {
	planned := 0
	for _, p := range plans {
		if _, ok := accounts[p.account]; ok {
			planned++
		}
	}
	return planned == len(accounts)
}

func seedPlan(ctx context.Context, db *postgres.DB, p plan, present map[string]controlplane.Account) error {
	account, ok := present[p.account]
	if !ok {
		tier, err := seedTier(ctx, db, p)
		if err != nil {
			return err
		}
		if account, _, err = db.CreateAccount(ctx, controlplane.NewAccount{Name: p.account, TierID: tier, TimeZone: "UTC", BillingDay: 1}); err != nil {
			return err
		}
	}
	keys, err := db.KeysByAccount(ctx, []controlplane.ID{account.ID})
	if err != nil || len(keys) > 0 {
		return err
	}
	secret, err := controlplane.SecretFrom(p.key)
	if err != nil {
		return err
	}
	_, _, err = db.CreateKey(ctx, account.ID, "demo", nil, secret)
	return err
}

func seedTier(ctx context.Context, db *postgres.DB, p plan) (controlplane.ID, error) {
	tiers, err := db.Tiers(ctx)
	if err != nil {
		return 0, err
	}
	for _, t := range tiers {
		if t.Name == p.tier {
			return t.ID, nil
		}
	}
	ids, err := seedEndpoints(ctx, db)
	if err != nil {
		return 0, err
	}
	perMinute := func(name string, endpoint controlplane.ID, amount int64) controlplane.Limit {
		selector := controlplane.SelectAll
		if endpoint != 0 {
			selector = controlplane.SelectEndpoint
		}
		return controlplane.Limit{
			Name: name, Subject: controlplane.SubjectAccount, Selector: selector, Endpoint: endpoint,
			Measure: controlplane.MeasureRequests, Kind: controlplane.Rate, Amount: amount, Period: controlplane.Minute, Burst: amount,
			Mode: controlplane.Enforce, FailOpen: true,
		}
	}
	tier, _, err := db.CreateTier(ctx, p.tier, []controlplane.Limit{
		perMinute("per-minute", 0, p.minute),
		perMinute("orders", ids[createOrder], p.orders),
		perMinute("search", ids[search], p.search),
	})
	return tier.ID, err
}

// seedEndpoints makes the endpoints that are missing, and returns all by method
// and template.
func seedEndpoints(ctx context.Context, db *postgres.DB) (map[string]controlplane.ID, error) {
	existing, err := db.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	ids := map[string]controlplane.ID{}
	for _, e := range existing {
		ids[e.Method+" "+e.Template] = e.ID
	}
	for _, e := range endpoints {
		name := e.Method + " " + e.Template
		if ids[name] != 0 {
			continue
		}
		made, _, err := db.CreateEndpoint(ctx, e)
		if err != nil {
			return nil, err
		}
		ids[name] = made.ID
	}
	return ids, nil
}
