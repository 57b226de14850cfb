package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

const tierVersionColumns = `id, tier_id, coalesce(number, 0), state, note,
	exists (select from cohorts c where c.version_id = tier_versions.id and c.head), created_at, published_at,
	coalesce(actor_kind, ''), coalesce(actor_id, 0), coalesce(actor_name, '')`

// VersionsOfTiers returns versions of the tiers that have a number, newest first: of
// each up to first below the given number (0: from the newest), and one more where
// there are more.
func (db *DB) VersionsOfTiers(ctx context.Context, tiers []controlplane.ID, below, first int) ([]controlplane.TierVersion, error) {
	versions, err := listVersions(ctx, db.pool, `
		select `+tierVersionColumns+` from tier_versions where id in (
			select c.id from unnest($1::bigint[]) o (id) cross join lateral (
				select v.id from tier_versions v where v.tier_id = o.id and v.number is not null and ($2::int = 0 or v.number < $2)
				order by v.number desc limit $3) c)
		order by tier_id, number desc`, toInt64s(tiers), below, first+1)
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	return versions, nil
}

// VersionsByID returns the versions among ids that exist, in any order.
func (db *DB) VersionsByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.TierVersion, error) {
	versions, err := listVersions(ctx, db.pool, `select `+tierVersionColumns+` from tier_versions where id = any($1) and exists (select from tiers where id = tier_id)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read versions: %w", err)
	}
	return versions, nil
}

// DraftsByTier returns the drafts of the tiers that have one, in any order.
func (db *DB) DraftsByTier(ctx context.Context, tiers []controlplane.ID) ([]controlplane.TierVersion, error) {
	versions, err := listVersions(ctx, db.pool, `select `+tierVersionColumns+` from tier_versions where tier_id = any($1) and state = 'draft'`, toInt64s(tiers))
	if err != nil {
		return nil, fmt.Errorf("read drafts: %w", err)
	}
	return versions, nil
}

// Standing is which version of which tier an account is on, and which pilot puts it
// there.
type Standing struct {
	AccountID, TierID, VersionID controlplane.ID
	PilotID                      controlplane.ID // 0: none
}

// Standings returns on which versions accounts are, in any order.
func (db *DB) Standings(ctx context.Context, accounts []controlplane.ID) ([]Standing, error) {
	standings, err := list[Standing](ctx, db.pool, `
		select account_id, tier_id, version_id, coalesce(pilot_id, 0) from account_versions where account_id = any($1)`, toInt64s(accounts))
	if err != nil {
		return nil, fmt.Errorf("read the versions of accounts: %w", err)
	}
	return standings, nil
}

// VersionCounts returns how many accounts are on each of the versions.
func (db *DB) VersionCounts(ctx context.Context, versions []controlplane.ID) (map[controlplane.ID]int, error) {
	counts := map[controlplane.ID]int{}
	rows, err := list[struct {
		ID controlplane.ID
		N  int
	}](ctx, db.pool, `
		select version_id, count(*) from account_versions
		where tier_id in (select tier_id from tier_versions where id = any($1)) and version_id = any($1) group by 1`, toInt64s(versions))
	if err != nil {
		return nil, fmt.Errorf("count the accounts of versions: %w", err)
	}
	for _, r := range rows {
		counts[r.ID] = r.N
	}
	return counts, nil
}

func listVersions(ctx context.Context, q querier, sql string, args ...any) ([]controlplane.TierVersion, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	var ids []controlplane.ID
	versions, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (v controlplane.TierVersion, err error) {
		err = r.Scan(&v.ID, &v.TierID, &v.Number, &v.State, &v.Note, &v.Current, &v.CreatedAt, &v.PublishedAt,
			&v.PublishedBy.Kind, &v.PublishedBy.ID, &v.PublishedBy.Name)
		ids = append(ids, v.ID)
		return v, err
	})
	if err != nil {
		return nil, err
	}
	limits, err := limitsOfVersions(ctx, q, ids)
	for i := range versions {
		versions[i].Limits = limits[versions[i].ID]
	}
	return versions, err
}

// limitsOfVersions returns the limits of versions, in their order.
func limitsOfVersions(ctx context.Context, q querier, versions []controlplane.ID) (map[controlplane.ID][]controlplane.Limit, error) {
	rows, err := q.Query(ctx, `
		select version_id, `+limitColumns+` from version_limits where version_id = any($1) order by version_id, position`, toInt64s(versions))
	if err != nil {
		return nil, err
	}
	limits := map[controlplane.ID][]controlplane.Limit{}
	for rows.Next() {
		var version controlplane.ID
		l, err := scanLimit(behind{rows, &version})
		if err != nil {
			rows.Close()
			return nil, err
		}
		limits[version] = append(limits[version], l)
	}
	return limits, rows.Err()
}

// behind is a row whose first column goes elsewhere.
type behind struct {
	pgx.CollectableRow
	first any
}

// Scan reads the other columns.
func (b behind) Scan(to ...any) error { return b.CollectableRow.Scan(append([]any{b.first}, to...)...) }

// newVersion publishes limits as the next version of a tier; nobody is on it yet.
func newVersion(ctx context.Context, tx pgx.Tx, tier controlplane.ID, limits []controlplane.Limit, note string) (controlplane.ID, error) {
	return sealedVersion(ctx, tx, tier, limits, note, controlplane.VersionPublished)
}

// sealedVersion makes a version of a tier that is published, or a pilot's.
func sealedVersion(ctx context.Context, tx pgx.Tx, tier controlplane.ID, limits []controlplane.Limit, note string, state controlplane.VersionState) (id controlplane.ID, err error) {
	by := controlplane.ActorOf(ctx)
	err = tx.QueryRow(ctx, `
		insert into tier_versions (tier_id, number, state, note, published_at, actor_kind, actor_id, actor_name)
		values ($1, case when $6 = 'published' then `+nextNumber+` end, $6, $2, case when $6 = 'published' then now() end, $3, $4, $5) returning id`,
		tier, note, string(by.Kind), by.ID, by.Name, string(state)).Scan(&id)
	if err != nil {
		return 0, err
	}
	if err := setLimits(ctx, tx, tier, id, limits); err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `update tier_versions set sealed = true where id = $1`, id)
	return id, err
}

// nextNumber is that of the next version of tier $1.
const nextNumber = `(select coalesce(max(number), 0) + 1 from tier_versions where tier_id = $1)`

// moveAllNow puts all accounts of a tier, and whoever comes to it, on a version, and
// returns how many there are.
func moveAllNow(ctx context.Context, tx pgx.Tx, tier, version controlplane.ID) (accounts int, err error) {
	if err := checkNoMove(ctx, tx, tier); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `update cohorts set version_id = $2 where tier_id = $1`, tier, version); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `
		select (select count(*) from accounts where tier_id = $1)
			+ (select count(*) from accounts where tier_id is null and (select default_tier_id from policy) = $1)`, tier).Scan(&accounts)
	return accounts, err
}

// checkNoMove refuses to publish while accounts are on the move to a version.
func checkNoMove(ctx context.Context, tx pgx.Tx, tier controlplane.ID) error {
	var moving, promoting bool
	err := tx.QueryRow(ctx, `
		select exists (select from tier_moves where tier_id = $1 and state in ('running', 'paused', 'stopping')),
			exists (select from pilots where tier_id = $1 and state = 'promoting')`, tier).Scan(&moving, &promoting)
	switch {
	case err == nil && moving:
		err = controlplane.Conflict("id", "accounts of this tier are being moved to its current version; wait, or stop that or turn it back first")
	case err == nil && promoting:
		err = errPromoting
	}
	return err
}

var errPromoting = controlplane.Conflict("id", "the accounts of this tier's pilot are being put on the version that it became; try again in a few seconds")
