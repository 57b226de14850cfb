package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/permit"
)

const tokenColumns = `id, name, prefix, scopes, coalesce(account_id, 0), coalesce(created_by, 0), coalesce(parent_id, 0), created_at, expires_at, last_used_at, revoked_at`

// maxTokens is how many there may be at once; revoked ones don't count.
const maxTokens = 1_000

// APITokens returns the tokens that are not revoked, newest first.
func (db *DB) APITokens(ctx context.Context) ([]controlplane.APIToken, error) {
	tokens, err := list[controlplane.APIToken](ctx, db.pool, `select `+tokenColumns+` from api_tokens where revoked_at is null order by id desc`)
	if err != nil {
		return nil, fmt.Errorf("list API tokens: %w", err)
	}
	return tokens, nil
}

// CreateAPIToken stores a token; its id, prefix and times but the expiry are ignored. One
// that is made with another token has the same maker, and ends no later than that.
func (db *DB) CreateAPIToken(ctx context.Context, t controlplane.APIToken, secret controlplane.Secret) (controlplane.APIToken, error) {
	var created controlplane.APIToken
	digest := secret.Digest()
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		err := inheritToken(ctx, tx, &t)
		if err != nil {
			return err
		}
		created, err = one[controlplane.APIToken](ctx, tx, `
			insert into api_tokens (name, prefix, digest, scopes, account_id, created_by, expires_at, parent_id)
			values ($1, $2, $3, $4, $5, $6, $7, $8) returning `+tokenColumns,
			t.Name, secret.Prefix(), digest[:], t.Scopes, orNull(t.AccountID), orNull(t.CreatedBy), t.ExpiresAt, orNull(t.ParentID))
		if err != nil {
			return err
		}
		err = checkCount(ctx, tx, `select count(*) from api_tokens where revoked_at is null`, maxTokens,
			controlplane.Conflict("name", "there are %d tokens; revoke one first", maxTokens))
		if err != nil {
			return err
		}
		return appendAudit(ctx, tx, audit.Created(audit.CreateAPIToken, audit.OfAPIToken(created)))
	})
	return created, tokenFault("create API token", err)
}

// inheritToken gives a token what it has of the one with which it is made.
func inheritToken(ctx context.Context, tx pgx.Tx, t *controlplane.APIToken) error {
	if t.ParentID == 0 {
		return nil
	}
	parent, err := one[controlplane.APIToken](ctx, tx, `select `+tokenColumns+` from api_tokens where id = $1 and revoked_at is null for share`, t.ParentID)
	if err != nil {
		return orMissing(err, controlplane.Conflict("", "the token that you show was revoked"))
	}
	t.CreatedBy = parent.CreatedBy
	if end := parent.ExpiresAt; end != nil && (t.ExpiresAt == nil || t.ExpiresAt.After(*end)) {
		return controlplane.Invalid("expiresAt", "the token that you show expires at %s; give that time or an earlier one", end.UTC().Format(time.RFC3339Nano))
	}
	return nil
}

// RevokeAPIToken revokes a token that may allows, and those that were made with it.
func (db *DB) RevokeAPIToken(ctx context.Context, id controlplane.ID, may func(controlplane.APIToken) error) (controlplane.APIToken, error) {
	var revoked controlplane.APIToken
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		was, err := one[controlplane.APIToken](ctx, tx, `select `+tokenColumns+` from api_tokens where id = $1 and revoked_at is null for update`, id)
		if err != nil {
			return orMissing(err, controlplane.NotFound("id", "API token"))
		}
		if err := may(was); err != nil {
			return err
		}
		all, err := revokeTokens(ctx, tx, `id = $1`, id)
		if err != nil {
			return err
		}
		revoked = all[0]
		return nil
	})
	return revoked, tokenFault("revoke API token", err)
}

// revokeTokens revokes the live tokens that fulfil a condition, and all that were made
// with them; a record tells of each. It returns them by id.
func revokeTokens(ctx context.Context, tx pgx.Tx, where string, arg any) ([]controlplane.APIToken, error) {
	all, err := list[controlplane.APIToken](ctx, tx, `
		with recursive gone as (
			select id from api_tokens where `+where+`
			union select t.id from api_tokens t join gone on t.parent_id = gone.id
		), revoked as (
			update api_tokens set revoked_at = now() where id in (select id from gone) and revoked_at is null returning *
		)
		select `+tokenColumns+` from revoked order by id`, arg)
	if err != nil {
		return nil, err
	}
	entries := make([]audit.Entry, len(all))
	for i, t := range all {
		was := t
		was.RevokedAt = nil
		entries[i] = audit.Changed(audit.RevokeAPIToken, audit.OfAPIToken(was), audit.OfAPIToken(t))
	}
	return all, appendAudit(ctx, tx, entries...)
}

// SetAPIToken stores a token of that name with all permissions, in place of the one
// it had, and revokes those that were made with that one. It fails with CONFLICT when the secret is that of a token with another name.
func (db *DB) SetAPIToken(ctx context.Context, name string, secret controlplane.Secret) error {
	digest := secret.Digest()
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		// One row for good, so that a restart makes no new one; a secret that was
		// revoked under this name works again, as whoever sets it says.
		if _, err := tx.Exec(ctx, `delete from api_tokens where name = $1 and revoked_at is not null and digest = $2`, name, digest[:]); err != nil {
			return err
		}
		// A restart with the same secret changes nothing, and leaves no record.
		tokens, err := list[controlplane.APIToken](ctx, tx, `
			insert into api_tokens as had (name, prefix, digest, scopes) values ($1, $2, $3, $4)
			on conflict (name) where revoked_at is null do update set
				prefix = excluded.prefix, digest = excluded.digest, scopes = excluded.scopes,
				account_id = null, created_by = null, parent_id = null, expires_at = null
			where had.digest <> excluded.digest or had.scopes <> excluded.scopes or had.account_id is not null or had.created_by is not null or had.expires_at is not null
			returning `+tokenColumns, name, secret.Prefix(), digest[:], permit.All())
		if err != nil || len(tokens) == 0 {
			return err
		}
		if _, err := revokeTokens(ctx, tx, `parent_id = $1`, tokens[0].ID); err != nil {
			return err
		}
		return appendAudit(ctx, tx, audit.Created(audit.SetAPIToken, audit.OfAPIToken(tokens[0])))
	})
	return tokenFault("store API token", err)
}

// TokenHolder is a live token, and what its maker may do.
type TokenHolder struct {
	Token controlplane.APIToken
	Maker controlplane.Role // empty: it was made on the command line
}

// APITokenOf returns the live token with a secret, and whether there is one: none
// that is revoked or expired, or whose maker is disabled. Once a minute it notes
// that the token was used.
func (db *DB) APITokenOf(ctx context.Context, secret controlplane.Secret) (TokenHolder, bool, error) {
	digest := secret.Digest()
	found, stale, ok, err := db.tokenHolder(ctx, `digest = $1`, digest[:])
	if !ok || err != nil || !stale {
		return found, ok, err
	}
	if _, err := db.pool.Exec(ctx, `update api_tokens set last_used_at = date_trunc('minute', now()) where id = $1`, found.Token.ID); err != nil {
		return TokenHolder{}, false, fmt.Errorf("note the use of an API token: %w", err)
	}
	return found, true, nil
}

// APITokenByID is APITokenOf without the secret, and is no use of the token.
func (db *DB) APITokenByID(ctx context.Context, id controlplane.ID) (TokenHolder, bool, error) {
	found, _, ok, err := db.tokenHolder(ctx, `id = $1`, id)
	return found, ok, err
}

// tokenHolder returns the live token that fulfils a condition, and whether its last
// use was noted before this minute.
func (db *DB) tokenHolder(ctx context.Context, where string, arg any) (held TokenHolder, stale, ok bool, err error) {
	found, err := one[struct {
		controlplane.APIToken
		Maker controlplane.Role
		Stale bool
	}](ctx, db.pool, `
		select `+tokenColumns+`,
			coalesce((select role from members where members.id = created_by and not disabled and joined_at is not null), ''),
			last_used_at is null or last_used_at < date_trunc('minute', now())
		from api_tokens where `+where+` and revoked_at is null and (expires_at is null or expires_at > now())`, arg)
	if errors.Is(err, pgx.ErrNoRows) {
		return held, false, false, nil
	}
	if err != nil {
		return held, false, false, fmt.Errorf("look up API token: %w", err)
	}
	if found.CreatedBy != 0 && found.Maker == "" {
		return held, false, false, nil
	}
	return TokenHolder{found.APIToken, found.Maker}, found.Stale, true, nil
}

func tokenFault(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case isViolation(err, "api_tokens_name_key"):
		return controlplane.Invalid("name", "another token has this name; choose a different one")
	case isViolation(err, "api_tokens_digest_key"):
		return controlplane.Conflict("", "an API token with this secret exists under another name, or was revoked; use another secret")
	case isViolation(err, "api_tokens_account_fkey"):
		return controlplane.NotFound("accountId", "account")
	case controlplane.Faults(err) != nil:
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}
