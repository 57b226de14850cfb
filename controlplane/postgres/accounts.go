package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

const (
	effectiveTier  = `coalesce(tier_id, (select default_tier_id from policy))`
	accountColumns = `id, name, ` + effectiveTier + `, tier_id is null, status, labels, time_zone, billing_day, epoch, created_at,
		trial_ends_at, coalesce(trial_then, ''), coalesce(trial_tier_id, 0), closed_at, revision`
)

// listAccounts reads accounts, with what follows the table in a statement.
func listAccounts(ctx context.Context, q querier, rest string, args ...any) ([]controlplane.Account, error) {
	rows, err := q.Query(ctx, `select `+accountColumns+` from accounts `+rest, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanAccount)
}

func scanAccount(row pgx.CollectableRow) (a controlplane.Account, err error) {
	var trial controlplane.Trial
	var ends *time.Time
	err = row.Scan(&a.ID, &a.Name, &a.TierID, &a.OnDefaultTier, &a.Status, &a.Labels, &a.TimeZone, &a.BillingDay, &a.Epoch, &a.CreatedAt,
		&ends, &trial.Then, &trial.TierID, &a.ClosedAt, &a.Revision)
	if ends != nil {
		trial.EndsAt = *ends
		a.Trial = &trial
	}
	return a, err
}

// AccountsByID returns the accounts among ids that exist, in any order.
func (db *DB) AccountsByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Account, error) {
	accounts, err := listAccounts(ctx, db.pool, `where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return accounts, nil
}

// CreateAccount creates an account.
func (db *DB) CreateAccount(ctx context.Context, a controlplane.NewAccount) (controlplane.Account, uint64, error) {
	var account controlplane.Account
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		err := tierForAccounts(ctx, tx, "tierId", a.TierID)
		if err != nil {
			return err
		}
		status, trial := controlplane.AccountActive, trialColumns(a.Trial)
		if a.Trial != nil {
			status = controlplane.AccountTrial
			if err := tierForAccounts(ctx, tx, "trial.tierId", a.Trial.TierID); err != nil {
				return err
			}
		}
		var id controlplane.ID
		err = tx.QueryRow(ctx, `
			insert into accounts (name, tier_id, time_zone, billing_day, status, labels, trial_ends_at, trial_then, trial_tier_id)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`,
			a.Name, orNull(a.TierID), a.TimeZone, a.BillingDay, status, labelsColumn(a.Labels), trial.endsAt, trial.then, trial.tier).Scan(&id)
		if err != nil {
			return err
		}
		if account, err = readAccount(ctx, tx, "id", id); err != nil {
			return err
		}
		note.add(audit.Created(audit.CreateAccount, audit.OfAccount(account)))
		if !account.OnDefaultTier {
			return nil
		}
		return introduce(ctx, tx, note, account)
	})
	return account, version, accountFault("create account", err)
}

// UpdateAccount changes an account.
func (db *DB) UpdateAccount(ctx context.Context, e controlplane.AccountEdit) (controlplane.Account, uint64, error) {
	var account controlplane.Account
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) (err error) {
		account, err = editAccount(ctx, tx, note, audit.UpdateAccount, e)
		return err
	})
	return account, version, accountFault("update account", err)
}

// editAccount changes an account in a change of policy, and notes that as an action.
func editAccount(ctx context.Context, tx pgx.Tx, note *notes, action audit.Action, e controlplane.AccountEdit) (controlplane.Account, error) {
	before, err := readAccount(ctx, tx, "id", e.ID)
	if err != nil {
		return before, err
	}
	if e.Revision != nil && *e.Revision != before.Revision {
		return before, stale(ctx, tx, audit.OfAccount(before), *e.Revision, before.Revision)
	}
	after, err := e.Apply(before, time.Now())
	if err != nil {
		return before, err
	}
	if err := checkTiers(ctx, tx, e); err != nil {
		return before, err
	}
	if after.OnDefaultTier {
		defaults, err := readDefaults(ctx, tx)
		if err != nil {
			return before, err
		}
		after.TierID = defaults.TierID
	}
	return storeChange(ctx, tx, note, action, before, after)
}

// labelsColumn is an empty object for no labels.
func labelsColumn(l controlplane.Labels) controlplane.Labels {
	if l == nil {
		return controlplane.Labels{}
	}
	return l
}

// ResetAccount resets all counters of an account, in every Envoy and in the
// ledger of its quotas.
func (db *DB) ResetAccount(ctx context.Context, id controlplane.ID) (controlplane.Account, uint64, error) {
	return db.changeAccount(ctx, "reset account", id, func(tx pgx.Tx, note *notes) error {
		before, err := openAccount(ctx, tx, "id", id)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update accounts set epoch = epoch + 1 where id = $1`, id)
		after := before
		after.Epoch++
		note.add(audit.Changed(audit.ResetAccount, audit.OfAccount(before), audit.OfAccount(after)))
		return err
	})
}

// changeAccount changes something that belongs to an account, and returns the
// account after that.
func (db *DB) changeAccount(ctx context.Context, what string, id controlplane.ID, do func(pgx.Tx, *notes) error) (controlplane.Account, uint64, error) {
	var account controlplane.Account
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		if err := do(tx, note); err != nil {
			return err
		}
		var err error
		account, err = readAccount(ctx, tx, "id", id)
		return err
	})
	return account, version, accountFault(what, err)
}

// readAccount returns an account that field names.
func readAccount(ctx context.Context, q querier, field string, id controlplane.ID) (controlplane.Account, error) {
	accounts, err := listAccounts(ctx, q, `where id = $1`, id)
	if err != nil {
		return controlplane.Account{}, err
	}
	if len(accounts) == 0 {
		return controlplane.Account{}, controlplane.NotFound(field, "account")
	}
	return accounts[0], nil
}

// openAccount returns an account that field names, and refuses one that is closed.
func openAccount(ctx context.Context, q querier, field string, id controlplane.ID) (controlplane.Account, error) {
	account, err := readAccount(ctx, q, field, id)
	if err == nil && account.Status == controlplane.AccountClosed {
		return account, controlplane.ErrClosed(field)
	}
	return account, err
}

// tierForAccounts refuses a tier that is not for accounts. One that does not
// exist is left to the database, and so is 0, for none.
func tierForAccounts(ctx context.Context, tx pgx.Tx, field string, tier controlplane.ID) error {
	limits, err := listLimits(ctx, tx, `
		select `+limitColumns+` from version_limits
		where version_id = (select version_id from cohorts where tier_id = $1 and head) order by position`, tier)
	if err != nil {
		return err
	}
	return controlplane.FitsAccounts(field, limits)
}

func accountFault(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case isViolation(err, "accounts_name_key"):
		return controlplane.Invalid("name", "another account has this name; choose a different one")
	case isViolation(err, "accounts_tier_fkey"):
		return controlplane.NotFound("tierId", "tier")
	case isViolation(err, "accounts_trial_tier_fkey"):
		return controlplane.NotFound("trial.tierId", "tier")
	case controlplane.Faults(err) != nil:
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
