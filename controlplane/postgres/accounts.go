package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

const (
	effectiveTier  = `coalesce(tier_id, (select default_tier_id from policy))`
	accountColumns = `id, name, ` + effectiveTier + `, tier_id is null, suspended, time_zone, billing_day, epoch, created_at`
)

// AccountPage is one page of accounts.
type AccountPage struct {
	Accounts []controlplane.Account
	More     bool // whether there are accounts after these
	Total    int  // how many the filter finds on all pages
}

// Accounts returns the accounts that filter finds, by name, the first ones
// after the given one (0: from the beginning), which is to exist.
func (db *DB) Accounts(ctx context.Context, filter controlplane.AccountFilter, after controlplane.ID, first int) (AccountPage, error) {
	var page AccountPage
	const where = ` where name ilike $1 and ($2::bigint = 0 or ` + effectiveTier + ` = $2)`
	pattern := "%" + likeEscaper.Replace(filter.Search) + "%"
	known := false
	err := db.pool.QueryRow(ctx, `select count(*), $3::bigint = 0 or exists (select from accounts where id = $3) from accounts`+where,
		pattern, filter.TierID, after).Scan(&page.Total, &known)
	if err != nil {
		return page, fmt.Errorf("count accounts: %w", err)
	}
	if !known {
		return page, controlplane.NotFound("after", "account")
	}
	page.Accounts, err = list[controlplane.Account](ctx, db.pool, `
		select `+accountColumns+` from accounts`+where+`
		and ($3::bigint = 0 or (name, id) > (select name, id from accounts where id = $3))
		order by name, id limit $4`, pattern, filter.TierID, after, first+1)
	if err != nil {
		return page, fmt.Errorf("list accounts: %w", err)
	}
	if len(page.Accounts) > first {
		page.Accounts, page.More = page.Accounts[:first], true
	}
	return page, nil
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// AccountsByID returns the accounts among ids that exist, in any order.
func (db *DB) AccountsByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Account, error) {
	accounts, err := list[controlplane.Account](ctx, db.pool, `select `+accountColumns+` from accounts where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return accounts, nil
}

// CreateAccount creates an account.
func (db *DB) CreateAccount(ctx context.Context, a controlplane.NewAccount) (controlplane.Account, uint64, error) {
	var account controlplane.Account
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		err := tierForAccounts(ctx, tx, a.TierID)
		if err != nil {
			return err
		}
		account, err = one[controlplane.Account](ctx, tx, `
			insert into accounts (name, tier_id, time_zone, billing_day) values ($1, $2, $3, $4) returning `+accountColumns,
			a.Name, orNull(a.TierID), a.TimeZone, a.BillingDay)
		note.add(audit.Created(audit.CreateAccount, audit.OfAccount(account)))
		return err
	})
	return account, version, accountFault("create account", err)
}

// UpdateAccount changes an account.
func (db *DB) UpdateAccount(ctx context.Context, e controlplane.AccountEdit) (controlplane.Account, uint64, error) {
	var account controlplane.Account
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := readAccount(ctx, tx, "id", e.ID)
		if err != nil {
			return err
		}
		if e.TierID != nil {
			if err := tierForAccounts(ctx, tx, *e.TierID); err != nil {
				return err
			}
		}
		account, err = one[controlplane.Account](ctx, tx, `
			update accounts set name = coalesce($2, name), tier_id = nullif(coalesce($3, tier_id), 0), suspended = coalesce($4, suspended),
				time_zone = coalesce($5, time_zone), billing_day = coalesce($6, billing_day)
			where id = $1 returning `+accountColumns, e.ID, e.Name, e.TierID, e.Suspended, e.TimeZone, e.BillingDay)
		note.add(audit.Changed(audit.UpdateAccount, audit.OfAccount(before), audit.OfAccount(account)))
		return err
	})
	return account, version, accountFault("update account", err)
}

// ResetAccount resets all counters of an account, in every Envoy and in the
// ledger of its quotas.
func (db *DB) ResetAccount(ctx context.Context, id controlplane.ID) (controlplane.Account, uint64, error) {
	return db.changeAccount(ctx, "reset account", id, func(tx pgx.Tx, note *notes) error {
		before, err := readAccount(ctx, tx, "id", id)
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
	account, err := one[controlplane.Account](ctx, q, `select `+accountColumns+` from accounts where id = $1`, id)
	return account, orMissing(err, controlplane.NotFound(field, "account"))
}

// tierForAccounts refuses a tier that is not for accounts. One that does not
// exist is left to the database, and so is 0, for none.
func tierForAccounts(ctx context.Context, tx pgx.Tx, tier controlplane.ID) error {
	limits, err := listLimits(ctx, tx, `select `+limitColumns+` from limits where tier_id = $1 order by position`, tier)
	if err != nil {
		return err
	}
	return controlplane.FitsAccounts("tierId", limits)
}

func accountFault(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case isViolation(err, "accounts_name_key"):
		return controlplane.Invalid("name", "another account has this name; choose a different one")
	case isViolation(err, "accounts_tier_fkey"):
		return controlplane.NotFound("tierId", "tier")
	case controlplane.Faults(err) != nil:
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
