package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

const overrideColumns = `id, account_id, limit_id, amount, coalesce(burst, 0), coalesce(mode, ''), until, note, created_at`

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
// changes the one that is there; its ID is ignored. It returns the account.
func (db *DB) SetOverride(ctx context.Context, o controlplane.Override) (controlplane.Account, uint64, error) {
	return db.changeAccount(ctx, "set override", o.AccountID, func(tx pgx.Tx) error {
		account, err := one[controlplane.Account](ctx, tx, `select `+accountColumns+` from accounts where id = $1`, o.AccountID)
		if err != nil {
			return orMissing(err, controlplane.NotFound("accountId", "account"))
		}
		limits, err := listLimits(ctx, tx, `select `+limitColumns+` from limits where id = $1 and tier_id = $2`, o.LimitID, account.TierID)
		if err != nil {
			return err
		}
		if len(limits) == 0 {
			return controlplane.NotFound("limitId", "limit in this account's tier")
		}
		if err := o.Fits(limits[0]); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			insert into overrides (account_id, limit_id, amount, burst, mode, until, note) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict (account_id, limit_id) do update set amount = excluded.amount, burst = excluded.burst, mode = excluded.mode,
				until = excluded.until, note = excluded.note, ended = false, created_at = excluded.created_at`,
			o.AccountID, o.LimitID, o.Amount, orNull(o.Burst), orNull(o.Mode), o.Until, o.Note)
		if err != nil {
			return err
		}
		return checkPlans(ctx, tx, "accountId")
	})
}

// DeleteOverride takes an override away, and returns its account.
func (db *DB) DeleteOverride(ctx context.Context, id controlplane.ID) (controlplane.Account, uint64, error) {
	return db.deleteOfAccount(ctx, "overrides", "override", id)
}

// errNothingEnded rolls a change of policy back that turned out to be none.
var errNothingEnded = errors.New("no override has ended")

// EndOverrides takes the overrides whose time is up out of the policy, and with
// that raises its version: once, however many processes call this at a time.
// When there is none, it changes nothing.
func (db *DB) EndOverrides(ctx context.Context) error {
	_, err := db.changePolicy(ctx, func(tx pgx.Tx) error {
		// clock_timestamp, not now(): the transaction may have begun before the
		// moment that whoever calls has waited for.
		tag, err := tx.Exec(ctx, `update overrides set ended = true where not ended and until <= clock_timestamp()`)
		if err == nil && tag.RowsAffected() == 0 {
			return errNothingEnded
		}
		return err
	})
	if err != nil && !errors.Is(err, errNothingEnded) {
		return fmt.Errorf("end overrides: %w", err)
	}
	return nil
}
