package faults

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/demo"
	"github.com/weirhq/weir/controlplane/postgres"
)

// policy is what requests in a world are decided by.
type policy struct {
	callers   []caller
	endpoints map[string]int64 // by method and template
	meter     int64            // of x-tokens
}

// caller is a key with its account; both are 0 for one that nobody knows.
type caller struct {
	secret       string
	account, key int64
}

// zones are the time zones of the accounts beside the demo's, two keys each.
var zones = []string{"UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati"}

// makePolicy makes the demo's accounts and some more in other time zones.
func makePolicy(ctx context.Context, url string) (policy, error) {
	db, err := postgres.Open(ctx, url)
	if err != nil {
		return policy{}, err
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		return policy{}, err
	}
	if err := demo.Seed(ctx, db); err != nil {
		return policy{}, err
	}
	p := policy{endpoints: map[string]int64{}, callers: []caller{{secret: "nobody's"}}}
	endpoints, err := db.Endpoints(ctx)
	if err != nil {
		return policy{}, err
	}
	for _, e := range endpoints {
		p.endpoints[e.Method+" "+e.Template] = int64(e.ID)
	}
	meter, _, err := db.CreateMeter(ctx, controlplane.Meter{Name: "tokens", Unit: "tokens", Header: "x-tokens"})
	if err != nil {
		return policy{}, err
	}
	p.meter = int64(meter.ID)
	secrets, err := addZones(ctx, db)
	if err != nil {
		return policy{}, err
	}
	return p, p.find(ctx, url, append(secrets, demo.BasicKey, demo.ProfessionalKey, demo.EnterpriseKey))
}

// addZones makes accounts in other time zones, and returns their keys.
func addZones(ctx context.Context, db *postgres.DB) (secrets []string, err error) {
	tiers, err := db.Tiers(ctx)
	if err != nil {
		return nil, err
	}
	var tier controlplane.ID
	for _, t := range tiers {
		if t.Name == "Enterprise" {
			tier = t.ID
		}
	}
	for _, zone := range zones {
		account, _, err := db.CreateAccount(ctx, controlplane.NewAccount{Name: "In " + zone, TierID: tier, TimeZone: zone, BillingDay: 1})
		if err != nil {
			return nil, err
		}
		for n := range 2 {
			secret, err := controlplane.SecretFrom(fmt.Sprintf("key-%d-of-%d", n, account.ID))
			if err != nil {
				return nil, err
			}
			if _, _, err := db.CreateKey(ctx, controlplane.NewKey{AccountID: account.ID, Name: fmt.Sprint("key ", n)}, secret); err != nil {
				return nil, err
			}
			secrets = append(secrets, secret.Reveal())
		}
	}
	return secrets, nil
}

// find notes the callers with these keys.
func (p *policy) find(ctx context.Context, url string, secrets []string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range secrets {
		c := caller{secret: s}
		digest := sha256.Sum256([]byte(s))
		err := conn.QueryRow(ctx, `select account_id, id from keys where digest = $1`, digest[:]).Scan(&c.account, &c.key)
		if err != nil {
			return fmt.Errorf("find the key %s: %w", s, err)
		}
		p.callers = append(p.callers, c)
	}
	return nil
}

// declaring has an upstream declare the tokens that the request names.
func declaring(upstream http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tokens := r.URL.Query().Get("tokens"); tokens != "" {
			w.Header().Set("x-tokens", tokens)
		}
		upstream.ServeHTTP(w, r)
	})
}
