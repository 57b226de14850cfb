package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

// Lists are read by keyset: a page begins after the place that the one before ended
// at, so that it costs the same wherever it is, and neither what is added nor what
// is deleted meanwhile shifts it. The zero place is the beginning.

// EndpointPlace is an endpoint's place among endpoints.
type EndpointPlace struct{ Template, Method string }

// OverridePlace is an override's place among those of its account.
type OverridePlace struct {
	AtUS int64 // when it was set, in microseconds since 1970
	ID   controlplane.ID
}

// PlaceOfEndpoint returns where an endpoint stands.
func PlaceOfEndpoint(e *controlplane.Endpoint) EndpointPlace {
	return EndpointPlace{e.Template, e.Method}
}

// PlaceOfOverride returns where an override stands.
func PlaceOfOverride(o *controlplane.Override) OverridePlace {
	return OverridePlace{o.CreatedAt.UnixMicro(), o.ID}
}

// page reads up to first rows, and whether there are more, with a query whose last
// parameter is the limit.
func page[T any](ctx context.Context, db *DB, what string, first int, sql string, args ...any) ([]T, bool, error) {
	found, err := list[T](ctx, db.pool, sql, append(args, first+1)...)
	if err != nil {
		return nil, false, fmt.Errorf("list %s: %w", what, err)
	}
	rows, more := pageOf(found, first)
	return rows, more, nil
}

// TierPage returns tiers by name.
func (db *DB) TierPage(ctx context.Context, after string, first int) ([]controlplane.Tier, bool, error) {
	tiers, err := listTiers(ctx, db.pool, `select `+tierColumns+` from tiers where name > $1 order by name limit $2`, after, first+1)
	if err != nil {
		return nil, false, fmt.Errorf("list tiers: %w", err)
	}
	found, more := pageOf(tiers, first)
	return found, more, nil
}

const endpointsFound = ` from endpoints where method || ' ' || template ilike $1`

// EndpointPage returns endpoints by template and method, those with search in them,
// whatever the case.
func (db *DB) EndpointPage(ctx context.Context, search string, after EndpointPlace, first int) ([]controlplane.Endpoint, bool, error) {
	return page[controlplane.Endpoint](ctx, db, "endpoints", first, `
		select `+endpointColumns+endpointsFound+` and (template, method) > ($2, $3) order by template, method limit $4`,
		containing(search), after.Template, after.Method)
}

// EndpointCount counts the endpoints that EndpointPage finds on all pages.
func (db *DB) EndpointCount(ctx context.Context, search string) (int, error) {
	return db.count(ctx, "endpoints", `select count(*)`+endpointsFound, containing(search))
}

// EndpointGroupPage returns endpoint groups by name.
func (db *DB) EndpointGroupPage(ctx context.Context, after string, first int) ([]controlplane.EndpointGroup, bool, error) {
	return page[controlplane.EndpointGroup](ctx, db, "endpoint groups", first, `select id, name from endpoint_groups where name > $1 order by name limit $2`, after)
}

// MeterPage returns custom meters by name.
func (db *DB) MeterPage(ctx context.Context, after string, first int) ([]controlplane.Meter, bool, error) {
	return page[controlplane.Meter](ctx, db, "meters", first, `select `+meterColumns+` from meters where name > $1 order by name limit $2`, after)
}

// APITokenPage returns the tokens that are not revoked, newest first.
func (db *DB) APITokenPage(ctx context.Context, after controlplane.ID, first int) ([]controlplane.APIToken, bool, error) {
	return page[controlplane.APIToken](ctx, db, "API tokens", first, `
		select `+tokenColumns+` from api_tokens where revoked_at is null and ($1::bigint = 0 or id < $1) order by id desc limit $2`, after)
}

// Counted is what can be counted as a whole.
type Counted string

// What can be counted.
const (
	CountedTiers          Counted = `tiers`
	CountedEndpointGroups Counted = `endpoint_groups`
	CountedMeters         Counted = `meters`
	CountedAPITokens      Counted = `api_tokens where revoked_at is null`
)

// Count counts all there are.
func (db *DB) Count(ctx context.Context, of Counted) (int, error) {
	return db.count(ctx, string(of), `select count(*) from `+string(of))
}

// MemberCount counts the members that Members finds on all pages.
func (db *DB) MemberCount(ctx context.Context, filter MemberFilter) (int, error) {
	return db.count(ctx, "members", `select count(*) from members where (name ilike $1 or email ilike $1) and ($2 = '' or role = $2)`,
		containing(filter.Search), string(filter.Role))
}

func (db *DB) count(ctx context.Context, what, sql string, args ...any) (n int, err error) {
	if err := db.pool.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s: %w", what, err)
	}
	return n, nil
}

func containing(text string) string { return "%" + likeEscaper.Replace(text) + "%" }

// The functions below read a page of each owner's at once: up to first rows, and one
// more where there are more.

// KeysOfAccounts returns keys of the accounts, newest first.
func (db *DB) KeysOfAccounts(ctx context.Context, accounts []controlplane.ID, after controlplane.ID, first int) ([]controlplane.Key, error) {
	return ofOwners[controlplane.Key](ctx, db, "keys", accounts, `
		select `+keyColumns+` from keys where account_id = o.id and ($2::bigint = 0 or keys.id < $2) order by keys.id desc limit $3`,
		`c.id desc`, after, first+1)
}

// IdentitiesOfAccounts returns identities of the accounts, newest first.
func (db *DB) IdentitiesOfAccounts(ctx context.Context, accounts []controlplane.ID, after controlplane.ID, first int) ([]controlplane.Identity, error) {
	return ofOwners[controlplane.Identity](ctx, db, "identities", accounts, `
		select `+identityColumns+` from identities i where account_id = o.id and ($2::bigint = 0 or i.id < $2) order by i.id desc limit $3`,
		`c.id desc`, after, first+1)
}

// OverridesOfAccounts returns overrides of the accounts, newest first, those that
// have ended too.
func (db *DB) OverridesOfAccounts(ctx context.Context, accounts []controlplane.ID, after OverridePlace, first int) ([]controlplane.Override, error) {
	return ofOwners[controlplane.Override](ctx, db, "overrides", accounts, `
		select `+overrideColumns+` from overrides where account_id = o.id and ($3::bigint = 0 or (created_at, overrides.id) < ($2, $3))
		order by created_at desc, overrides.id desc limit $4`,
		`c.created_at desc, c.id desc`, time.UnixMicro(after.AtUS), after.ID, first+1)
}

// EndpointsOfGroups returns endpoints of the groups, by template and method.
func (db *DB) EndpointsOfGroups(ctx context.Context, groups []controlplane.ID, after EndpointPlace, first int) ([]controlplane.Endpoint, error) {
	return ofOwners[controlplane.Endpoint](ctx, db, "the endpoints of groups", groups, `
		select `+endpointColumns+` from endpoints where group_id = o.id and (template, method) > ($2, $3) order by template, method limit $4`,
		`c.template, c.method`, after.Template, after.Method, first+1)
}

// ofOwners runs a query for each owner, o.id, and puts the answers, c, in order.
func ofOwners[T any](ctx context.Context, db *DB, what string, owners []controlplane.ID, each, order string, args ...any) ([]T, error) {
	found, err := list[T](ctx, db.pool, `select c.* from unnest($1::bigint[]) o (id) cross join lateral (`+each+`) c order by o.id, `+order,
		append([]any{toInt64s(owners)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	return found, nil
}

// OwnedCount is what can be counted by its owner.
type OwnedCount string

// What can be counted by its owner: an account, a group of endpoints, or a tier.
const (
	KeysByOwner       OwnedCount = "keys"
	IdentitiesByOwner OwnedCount = "identities"
	OverridesByOwner  OwnedCount = "overrides"
	EndpointsByOwner  OwnedCount = "endpoints"
	VersionsByOwner   OwnedCount = "tier_versions" // those that have a number
)

func (c OwnedCount) owner() string {
	switch c {
	case EndpointsByOwner:
		return "group_id"
	case VersionsByOwner:
		return "tier_id"
	}
	return "account_id"
}

// CountByOwner counts what each of the owners has; one that has none is left out.
func (db *DB) CountByOwner(ctx context.Context, of OwnedCount, owners []controlplane.ID) (map[controlplane.ID]int, error) {
	counted := "*"
	if of == VersionsByOwner {
		counted = "number"
	}
	rows, err := db.pool.Query(ctx, `select `+of.owner()+`, count(`+counted+`) from `+string(of)+` where `+of.owner()+` = any($1) group by 1`, toInt64s(owners))
	if err != nil {
		return nil, fmt.Errorf("count %s: %w", of, err)
	}
	counts := map[controlplane.ID]int{}
	var id controlplane.ID
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&id, &n}, func() error { counts[id] = n; return nil }); err != nil {
		return nil, fmt.Errorf("count %s: %w", of, err)
	}
	return counts, nil
}

// OverridesByID returns the overrides among ids that exist, in any order.
func (db *DB) OverridesByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Override, error) {
	return byIDs[controlplane.Override](ctx, db, "overrides", overrideColumns, ids)
}

// APITokensByID returns the tokens among ids that exist, in any order.
func (db *DB) APITokensByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.APIToken, error) {
	return byIDs[controlplane.APIToken](ctx, db, "api_tokens", tokenColumns, ids)
}

// CorrectionsByID returns the corrections among ids that exist, in any order.
func (db *DB) CorrectionsByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Correction, error) {
	return byIDs[controlplane.Correction](ctx, db, "corrections", correctionColumns, ids)
}

func byIDs[T any](ctx context.Context, db *DB, table, columns string, ids []controlplane.ID) ([]T, error) {
	found, err := list[T](ctx, db.pool, `select `+columns+` from `+table+` where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	return found, nil
}

// DenialsByID returns the denials among ids that are kept, in any order.
func (db *DB) DenialsByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Denial, error) {
	found, err := listDenials(ctx, db.pool, `where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read denials: %w", err)
	}
	return found, nil
}

// UnaccountedByID returns the unaccounted usage among ids, in any order.
func (db *DB) UnaccountedByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.UnaccountedUsage, error) {
	rows, err := db.pool.Query(ctx, `select `+unaccountedColumns+` from unaccounted where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read unaccounted usage: %w", err)
	}
	found, err := unaccountedOf(rows)
	if err != nil {
		return nil, fmt.Errorf("read unaccounted usage: %w", err)
	}
	return found, nil
}
