package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
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
// after the given one (0: from the beginning).
func (db *DB) Accounts(ctx context.Context, filter controlplane.AccountFilter, after controlplane.ID, first int) (AccountPage, error) {
	var page AccountPage
	const where = ` where name ilike $1 and ($2 = 0 or ` + effectiveTier + ` = $2)`
	pattern := "%" + likeEscaper.Replace(filter.Search) + "%"
	err := db.pool.QueryRow(ctx, `select count(*) from accounts`+where, pattern, filter.TierID).Scan(&page.Total)
	if err != nil {
		return page, fmt.Errorf("count accounts: %w", err)
	}
	page.Accounts, err = list[controlplane.Account](ctx, db.pool, `
		select `+accountColumns+` from accounts`+where+`
		and ($3 = 0 or (name, id) > (select name, id from accounts where id = $3))
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
	version, err := db.changePolicy(ctx, func(tx pgx.Tx) error {
		var err error
		account, err = one[controlplane.Account](ctx, tx, `
			insert into accounts (name, tier_id, time_zone, billing_day) values ($1, $2, $3, $4) returning `+accountColumns,
			a.Name, orNull(a.TierID), a.TimeZone, a.BillingDay)
		return err
	})
	return account, version, accountFault("create account", err)
}

// UpdateAccount changes an account.
func (db *DB) UpdateAccount(ctx context.Context, e controlplane.AccountEdit) (controlplane.Account, uint64, error) {
	var account controlplane.Account
	version, err := db.changePolicy(ctx, func(tx pgx.Tx) error {
		var err error
		account, err = one[controlplane.Account](ctx, tx, `
			update accounts set name = coalesce($2, name), tier_id = nullif(coalesce($3, tier_id), 0), suspended = coalesce($4, suspended),
				time_zone = coalesce($5, time_zone), billing_day = coalesce($6, billing_day)
			where id = $1 returning `+accountColumns, e.ID, e.Name, e.TierID, e.Suspended, e.TimeZone, e.BillingDay)
		return orMissing(err, controlplane.NotFound("id", "account"))
	})
	return account, version, accountFault("update account", err)
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

const keyColumns = `id, account_id, name, prefix, suspended, expires_at, created_at, revoked_at`

// KeysByAccount returns the keys of the accounts, newest first.
func (db *DB) KeysByAccount(ctx context.Context, accounts []controlplane.ID) ([]controlplane.Key, error) {
	keys, err := list[controlplane.Key](ctx, db.pool, `
		select `+keyColumns+` from keys where account_id = any($1) order by account_id, id desc`, toInt64s(accounts))
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return keys, nil
}

// CreateKey stores a new key by the digest of its secret.
func (db *DB) CreateKey(ctx context.Context, account controlplane.ID, name string, secret controlplane.Secret) (controlplane.Key, uint64, error) {
	var key controlplane.Key
	digest := secret.Digest()
	version, err := db.changePolicy(ctx, func(tx pgx.Tx) error {
		var err error
		key, err = one[controlplane.Key](ctx, tx, `
			insert into keys (account_id, name, prefix, digest) values ($1, $2, $3, $4) returning `+keyColumns,
			account, name, secret.Prefix(), digest[:])
		return err
	})
	switch {
	case isViolation(err, "keys_account_fkey"):
		return key, 0, controlplane.NotFound("accountId", "account")
	case isViolation(err, "keys_digest_key"):
		return key, 0, controlplane.Conflict("secret", "this secret is in use already")
	case err != nil:
		return key, 0, fmt.Errorf("create key: %w", err)
	}
	return key, version, nil
}

// RevokeKey revokes a key for good. Revoking it again changes nothing.
func (db *DB) RevokeKey(ctx context.Context, id controlplane.ID) (controlplane.Key, uint64, error) {
	var key controlplane.Key
	version, err := db.changePolicy(ctx, func(tx pgx.Tx) error {
		var err error
		key, err = one[controlplane.Key](ctx, tx, `
			update keys set revoked_at = coalesce(revoked_at, now()) where id = $1 returning `+keyColumns, id)
		return orMissing(err, controlplane.NotFound("id", "key"))
	})
	var fault *controlplane.Error
	if err != nil && !errors.As(err, &fault) {
		return key, 0, fmt.Errorf("revoke key: %w", err)
	}
	return key, version, err
}
