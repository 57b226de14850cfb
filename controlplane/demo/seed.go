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

// plan is a demo account with its tier.
type plan struct {
	account, key, tier string
	limits             func(scope) []controlplane.Limit
	overridden         string                 // the limit that the override is of; empty for none
	override           controlplane.Override  // without ids
	identity           *controlplane.Identity // without ids; nil for none
}

var plans = [...]plan{
	{account: "Larkspur Books", key: BasicKey, tier: "Basic", limits: basic},
	{
		account: "Halden Logistics", key: ProfessionalKey, tier: "Professional", limits: professional,
		overridden: "search", override: controlplane.Override{Amount: 450, Note: "More room while their new search is tried out"},
	},
	{
		account: "Meridian Freight Group", key: EnterpriseKey, tier: "Enterprise", limits: enterprise,
		identity: &controlplane.Identity{Kind: controlplane.JWTSubject, Value: "meridian-batch"},
	},
}

// Seed makes the demo's accounts, as long as the database has no others, and
// whatever they need. It changes nothing that is there: after a crash half-way
// it goes on, and once it is done it never does anything again.
func Seed(ctx context.Context, db *postgres.DB) error {
	page, err := db.Accounts(ctx, controlplane.AccountFilter{}, controlplane.AccountOrder{}, 0, len(plans)+1)
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
	var scope scope
	if len(present) < len(plans) {
		if scope, err = seedScope(ctx, db); err == nil {
			err = seedAnonymous(ctx, db)
		}
		if err != nil {
			return fmt.Errorf("seed the demo: %w", err)
		}
	}
	for _, p := range plans {
		if err := seedPlan(ctx, db, p, scope, present); err != nil {
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

func seedPlan(ctx context.Context, db *postgres.DB, p plan, scope scope, present map[string]controlplane.Account) error {
	account, ok := present[p.account]
	if !ok {
		tier, err := seedTier(ctx, db, p.tier, p.limits(scope))
		if err != nil {
			return err
		}
		account, _, err = db.CreateAccount(ctx, controlplane.NewAccount{Name: p.account, TierID: tier.ID, TimeZone: "UTC", BillingDay: 1})
		if err != nil {
			return err
		}
	}
	keys, err := db.KeysByAccount(ctx, []controlplane.ID{account.ID})
	if err != nil || len(keys) > 0 {
		return err
	}
	// The key comes last: an account that has one is done.
	if err := seedOverride(ctx, db, p, account); err != nil {
		return err
	}
	if err := seedIdentity(ctx, db, p, account.ID); err != nil {
		return err
	}
	secret, err := controlplane.SecretFrom(p.key)
	if err != nil {
		return err
	}
	_, _, err = db.CreateKey(ctx, controlplane.NewKey{AccountID: account.ID, Name: "demo"}, secret)
	return err
}

func seedOverride(ctx context.Context, db *postgres.DB, p plan, account controlplane.Account) error {
	if p.overridden == "" {
		return nil
	}
	tiers, err := db.TiersByID(ctx, []controlplane.ID{account.TierID})
	if err != nil {
		return err
	}
	o := p.override
	o.AccountID = account.ID
	for _, t := range tiers {
		for _, l := range t.Limits {
			if l.Name == p.overridden {
				o.LimitID = l.ID
				_, _, err := db.SetOverride(ctx, o, nil)
				return err
			}
		}
	}
	return nil
}

func seedIdentity(ctx context.Context, db *postgres.DB, p plan, account controlplane.ID) error {
	if p.identity == nil {
		return nil
	}
	present, err := db.IdentitiesByAccount(ctx, []controlplane.ID{account})
	if err != nil || len(present) > 0 {
		return err
	}
	i := *p.identity
	i.AccountID = account
	_, _, err = db.AddIdentity(ctx, i)
	return err
}

// seedAnonymous makes the tier of callers without an account.
func seedAnonymous(ctx context.Context, db *postgres.DB) error {
	tier, err := seedTier(ctx, db, "Anonymous", anonymous())
	if err != nil {
		return err
	}
	_, _, err = db.SetDefaults(ctx, controlplane.DefaultsEdit{AnonymousID: &tier.ID})
	return err
}

// seedTier makes a tier, unless there is one of that name.
func seedTier(ctx context.Context, db *postgres.DB, name string, limits []controlplane.Limit) (controlplane.Tier, error) {
	tiers, err := db.Tiers(ctx)
	if err != nil {
		return controlplane.Tier{}, err
	}
	for _, t := range tiers {
		if t.Name == name {
			return t, nil
		}
	}
	tier, _, err := db.CreateTier(ctx, name, limits)
	return tier, err
}
