package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/book"
)

// Policy returns the whole policy, as of one moment.
func (db *DB) Policy(ctx context.Context) (book.Policy, error) {
	return db.PolicyReader().Read(ctx)
}

// PolicyReader reads the policy again and again: the whole of it at first, then
// what has changed since it read last, as far as the log of changes goes back. It
// is not safe for concurrent use. It holds about 100 bytes for each key.
type PolicyReader struct {
	db   *DB
	have knownPolicy
	rows int
}

// PolicyReader returns a reader that has read nothing yet.
func (db *DB) PolicyReader() *PolicyReader { return &PolicyReader{db: db} }

// RowsRead returns how many rows of the database the last read took.
func (r *PolicyReader) RowsRead() int { return r.rows }

// knownPolicy is the policy as it was at a version. Nothing of it is written to
// once it is there.
type knownPolicy struct {
	version  uint64 // 0: nothing is known
	mark     [16]byte
	defaults controlplane.Defaults

	groups    []book.Group
	endpoints []book.Endpoint
	meters    []book.Meter
	scopes    []book.Scope
	tiers     []controlplane.Tier
	cohorts   cohorts
	keys      []ownedKey      // by digest, as the compiler wants them
	overrides []ownedOverride // by account and limit
}

// ownedKey is a key or identity; its plan is left open.
type ownedKey struct {
	book.Key
	cohort controlplane.ID // 0: it has no tier of its own
}

func (k ownedKey) owner() controlplane.ID { return controlplane.ID(k.Account) }

// ownedOverride is an override that has not ended.
type ownedOverride struct {
	controlplane.Override
	cohort controlplane.ID // of its account; 0: that has no tier of its own
}

func (o ownedOverride) owner() controlplane.ID { return o.AccountID }

// Read returns the whole policy, as of one moment.
func (r *PolicyReader) Read(ctx context.Context) (book.Policy, error) {
	r.rows = 0
	var next knownPolicy
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, r.db.pool, options, func(tx pgx.Tx) (err error) {
		next, err = r.have.advance(ctx, countingRows{tx, &r.rows})
		return err
	})
	if err != nil {
		return book.Policy{}, fmt.Errorf("read the policy: %w", err)
	}
	r.have = next
	return next.policy(), nil
}

// advance returns the policy as it is now.
func (p knownPolicy) advance(ctx context.Context, q querier) (next knownPolicy, err error) {
	now, err := one[struct {
		Version            uint64
		Mark               [16]byte
		Default, Anonymous controlplane.ID
	}](ctx, q, `select version, mark, default_tier_id, coalesce(anonymous_tier_id, 0) from policy join policy_versions using (version)`)
	if err != nil {
		return p, err
	}
	changed, err := p.changes(ctx, q, now.Version)
	if err != nil {
		return p, fmt.Errorf("read what changed: %w", err)
	}
	next = p
	next.version, next.mark = now.Version, now.Mark
	next.defaults = controlplane.Defaults{TierID: now.Default, AnonymousID: now.Anonymous}
	if changed.all || changed.catalog {
		if err := next.readCatalog(ctx, q); err != nil {
			return p, err
		}
	}
	if changed.all || len(changed.accounts) > 0 {
		if err := next.readAccounts(ctx, q, changed); err != nil {
			return p, err
		}
	}
	return next, nil
}

// policyChange is what there is to read again.
type policyChange struct {
	all      bool
	catalog  bool
	accounts []int64
}

// What stands in the log of changes for others than an account.
const (
	changedCatalog = 0
	changedMany    = -1
)

// maxChanged is of how many accounts at most what they have is read by itself.
const maxChanged = 10_000

// changes returns what changed since the known version: everything, when the
// database has no such version, or had another one under that number.
func (p *knownPolicy) changes(ctx context.Context, q querier, now uint64) (c policyChange, err error) {
	known, err := one[struct{ Same bool }](ctx, q, `select exists (select from policy_versions where version = $1 and mark = $2)`, p.version, p.mark)
	if err != nil || !known.Same || now < p.version {
		return policyChange{all: true}, err
	}
	accounts, err := list[struct{ ID int64 }](ctx, q, `
		select distinct account_id from policy_changes where version > $1 and version <= $2 limit $3`, p.version, now, maxChanged+1)
	if err != nil {
		return c, err
	}
	for _, a := range accounts {
		switch a.ID {
		case changedMany:
			c.all = true
		case changedCatalog:
			c.catalog = true
		default:
			c.accounts = append(c.accounts, a.ID)
		}
	}
	c.all = c.all || len(accounts) > maxChanged
	slices.Sort(c.accounts)
	return c, nil
}

func (p *knownPolicy) readCatalog(ctx context.Context, q querier) (err error) {
	var errs [6]error
	p.groups, errs[0] = list[book.Group](ctx, q, `select id, name from endpoint_groups`)
	p.endpoints, errs[1] = list[book.Endpoint](ctx, q, `select id, method, template, cost, coalesce(group_id, 0) from endpoints`)
	p.meters, errs[2] = list[book.Meter](ctx, q, `select id, header, coalesce(endpoint_id, 0), hidden from meters order by id`)
	p.tiers, errs[3] = listTiers(ctx, q, `select `+tierColumns+` from tiers`)
	p.scopes, errs[4] = list[book.Scope](ctx, q, `select id, reads_only, endpoint_ids, group_ids from key_scopes`)
	p.cohorts, errs[5] = readCohorts(ctx, q)
	return errors.Join(errs[:]...)
}

// readAccounts puts what the changed accounts have in the place of what they had.
func (p *knownPolicy) readAccounts(ctx context.Context, q querier, changed policyChange) error {
	keys, err := readKeys(ctx, q, changed)
	if err != nil {
		return err
	}
	overrides, err := readOverrides(ctx, q, changed)
	if err != nil {
		return err
	}
	slices.SortFunc(keys, ownedKey.compare)
	slices.SortFunc(overrides, ownedOverride.compare)
	if !changed.all {
		keys = replaced(p.keys, keys, changed)
		overrides = replaced(p.overrides, overrides, changed)
	}
	p.keys, p.overrides = keys, overrides
	return nil
}

// owned is what accounts have, and has an order.
type owned[T any] interface {
	owner() controlplane.ID
	compare(T) int
}

// replaced merges what the changed accounts have now into a sorted list, in the
// place of what they had.
func replaced[T owned[T]](list, now []T, changed policyChange) []T {
	merged := make([]T, 0, len(list)+len(now))
	for _, x := range list {
		if _, gone := slices.BinarySearch(changed.accounts, int64(x.owner())); gone {
			continue
		}
		for len(now) > 0 && now[0].compare(x) < 0 {
			merged, now = append(merged, now[0]), now[1:]
		}
		merged = append(merged, x)
	}
	return append(merged, now...)
}

// policy puts together what the filter gets.
func (p *knownPolicy) policy() book.Policy {
	plans := newPlans(p.tiers, p.cohorts, p.defaults.TierID)
	for first := 0; first < len(p.overrides); {
		account := p.overrides[first].AccountID
		on := plans.of(account, p.overrides[first].cohort)
		var of []controlplane.Override
		for ; first < len(p.overrides) && p.overrides[first].AccountID == account; first++ {
			if o := p.overrides[first].Override; on.has(o.LimitID) {
				of = append(of, o)
			}
		}
		if len(of) > 0 {
			plans.override(account, on, of)
		}
	}
	keys := make([]book.Key, len(p.keys))
	for i := range p.keys {
		keys[i] = p.keys[i].Key
		if own, ok := plans.own[p.keys[i].owner()]; ok {
			keys[i].Plan = own
		} else {
			keys[i].Plan = plans.share(plans.of(p.keys[i].owner(), p.keys[i].cohort))
		}
	}
	return book.Policy{
		Version: p.version, Anonymous: uint64(p.defaults.AnonymousID),
		Groups: p.groups, Endpoints: p.endpoints, Meters: p.meters, Scopes: p.scopes, Plans: plans.all, Keys: keys,
	}
}
