package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

const overrideColumns = `id, account_id, limit_id, amount, coalesce(burst, 0), coalesce(mode, ''), until, note, created_at, introductory, revision`

// OverridesByAccount returns the overrides of the accounts, newest first, those
// that have ended too.
func (db *DB) OverridesByAccount(ctx context.Context, accounts []controlplane.ID) ([]controlplane.Override, error) {
	overrides, err := list[controlplane.Override](ctx, db.pool, `
		select `+overrideColumns+` from overrides where account_id = any($1) order by account_id, created_at desc, id desc`, toInt64s(accounts))
	if err != nil {
		return nil, fmt.Errorf("list overrides: %w", err)
	}
	return overrides, nil
}

// SetOverride puts an override in place of a limit of the account's tier, or
// changes the one that is there; its ID is ignored. It returns the account. revision is
// that of the override that this is based on: 0 that there is none, nil any.
func (db *DB) SetOverride(ctx context.Context, o controlplane.Override, revision *int) (controlplane.Account, uint64, error) {
	return db.changeAccount(ctx, "set override", o.AccountID, func(tx pgx.Tx, note *notes) error {
		account, err := openAccount(ctx, tx, "accountId", o.AccountID)
		if err != nil {
			return err
		}
		limits, err := listLimits(ctx, tx, `
			select `+limitColumns+` from version_limits
			where limit_id = $1 and version_id = (select version_id from account_versions where account_id = $2)`, o.LimitID, account.ID)
		if err != nil {
			return err
		}
		if len(limits) == 0 {
			return controlplane.NotFound("limitId", "limit in this account's tier")
		}
		if err := o.Fits(limits[0]); err != nil {
			return err
		}
		before, err := list[controlplane.Override](ctx, tx, `select `+overrideColumns+` from overrides where account_id = $1 and limit_id = $2`, o.AccountID, o.LimitID)
		if err != nil {
			return err
		}
		if err := overrideMoved(ctx, tx, before, limits[0].Name, revision); err != nil {
			return err
		}
		back, err := restoredOf(ctx, audit.Override)
		if err != nil {
			return err
		}
		if back.id != 0 && len(before) > 0 && !back.force {
			return controlplane.Conflict("seq", "the limit has another override by now; look at it, or put this one in its place with force")
		}
		after, err := one[controlplane.Override](ctx, tx, `
			insert into overrides (id, account_id, limit_id, amount, burst, mode, until, note, introductory) overriding system value
			values (coalesce($1, nextval('overrides_id_seq')), $2, $3, $4, $5, $6, $7, $8, $9)
			on conflict (account_id, limit_id) do update set amount = excluded.amount, burst = excluded.burst, mode = excluded.mode,
				until = excluded.until, note = excluded.note, ended = false, introductory = excluded.introductory, created_at = excluded.created_at
			returning `+overrideColumns,
			orNull(back.id), o.AccountID, o.LimitID, o.Amount, orNull(o.Burst), orNull(o.Mode), o.Until, o.Note, back.was.Introductory)
		if err != nil {
			return err
		}
		entry := audit.Created(audit.SetOverride, audit.OfOverride(after, limits[0].Name))
		if len(before) > 0 {
			entry.Before = audit.OfOverride(before[0], limits[0].Name).State
		}
		note.add(entry)
		return checkPlans(ctx, tx, "accountId")
	})
}

// overrideMoved refuses an edit that is based on another revision than that of the
// override that there is, if there is one.
func overrideMoved(ctx context.Context, tx pgx.Tx, there []controlplane.Override, limit string, revision *int) error {
	switch {
	case revision == nil:
		return nil
	case len(there) == 0 && *revision != 0:
		return controlplane.Conflict("revision", "somebody else took this override away; read the account again")
	case len(there) > 0 && *revision != there[0].Revision:
		return stale(ctx, tx, audit.OfOverride(there[0], limit), *revision, there[0].Revision)
	}
	return nil
}

// introduce gives a new account without a tier of its own the introductory
// allowance, if there is one.
func introduce(ctx context.Context, tx pgx.Tx, note *notes, account controlplane.Account) error {
	defaults, err := readDefaults(ctx, tx)
	if err != nil || defaults.Introductory() == nil {
		return err
	}
	tier, err := readTier(ctx, tx, account.TierID)
	if err != nil {
		return err
	}
	for i, o := range defaults.Introductory().Overrides(account.ID, tier.Limits, time.Now()) {
		set, err := one[controlplane.Override](ctx, tx, `
			insert into overrides (account_id, limit_id, amount, burst, until, note, introductory) values ($1, $2, $3, $4, $5, $6, true)
			returning `+overrideColumns, o.AccountID, o.LimitID, o.Amount, orNull(o.Burst), o.Until, o.Note)
		if err != nil {
			return err
		}
		note.add(audit.Created(audit.SetOverride, audit.OfOverride(set, tier.Limits[i].Name)))
	}
	return checkPlans(ctx, tx, "tierId")
}

// DeleteOverride takes an override away, if it is at a revision, and returns its account;
// nil is any.
func (db *DB) DeleteOverride(ctx context.Context, id controlplane.ID, revision *int) (controlplane.Account, uint64, error) {
	return db.deleteOfAccount(ctx, "overrides", "override", id, func(tx pgx.Tx) (audit.Entry, error) {
		found, err := namedOverrides(ctx, tx, `o.id = $1`, id)
		if err != nil || len(found) == 0 {
			return audit.Entry{}, cmp.Or(err, pgx.ErrNoRows)
		}
		if revision != nil && *revision != found[0].revision {
			return audit.Entry{}, stale(ctx, tx, found[0].image, *revision, found[0].revision)
		}
		return audit.Deleted(audit.DeleteOverride, found[0].image), nil
	})
}

// namedOverride is an override for the audit log.
type namedOverride struct {
	id       controlplane.ID
	revision int
	image    audit.Image
}

// namedOverrides returns the overrides that fulfil a condition, by id.
func namedOverrides(ctx context.Context, tx pgx.Tx, where string, args ...any) ([]namedOverride, error) {
	rows, err := tx.Query(ctx, `
		select o.id, o.account_id, o.limit_id, o.amount, coalesce(o.burst, 0), coalesce(o.mode, ''), o.until, o.note, o.created_at, o.introductory, o.revision,
			(select l.name from version_limits l where l.limit_id = o.limit_id order by l.version_id desc limit 1)
		from overrides o where `+where+` order by o.id`, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (named namedOverride, err error) {
		var o controlplane.Override
		var limit string
		err = row.Scan(&o.ID, &o.AccountID, &o.LimitID, &o.Amount, &o.Burst, &o.Mode, &o.Until, &o.Note, &o.CreatedAt, &o.Introductory, &o.Revision, &limit)
		return namedOverride{o.ID, o.Revision, audit.OfOverride(o, limit)}, err
	})
}

// errNothingEnded rolls a change of policy back that turned out to be none.
var errNothingEnded = errors.New("no override has ended")

// EndOverrides takes the overrides whose time is up out of the policy, and with
// that raises its version: once, however many processes call this at a time.
// When there is none, it changes nothing.
func (db *DB) EndOverrides(ctx context.Context) error {
	_, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		// clock_timestamp, not now(): the transaction may have begun before the
		// moment that whoever calls has waited for.
		due, err := namedOverrides(ctx, tx, `not o.ended and o.until <= clock_timestamp()`)
		if err != nil {
			return err
		}
		if len(due) == 0 {
			return errNothingEnded
		}
		ids := make([]int64, len(due))
		for i, o := range due {
			ids[i] = int64(o.id)
			note.add(audit.Deleted(audit.EndOverride, o.image))
		}
		_, err = tx.Exec(ctx, `update overrides set ended = true where id = any($1)`, ids)
		return err
	})
	if err != nil && !errors.Is(err, errNothingEnded) {
		return fmt.Errorf("end overrides: %w", err)
	}
	return nil
}
