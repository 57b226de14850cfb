package postgres

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// firstOwner is what the owner is called that an unnamed link creates.
const firstOwner = "Owner"

// CreateSignInLink stores a one-time token that signs in as the first owner and is
// good until expires.
func (db *DB) CreateSignInLink(ctx context.Context, secret controlplane.Secret, expires time.Time) error {
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		if err := putLink(ctx, tx, secret, 0, expires); err != nil {
			return err
		}
		return appendAudit(ctx, tx, audit.Entry{
			Action: audit.CreateSignInLink, Object: audit.Object{Kind: audit.SignInLink, Name: firstOwner},
			After: audit.State{"expiresAt": expires.UTC().Format(time.RFC3339)},
		})
	})
	if err != nil {
		return fmt.Errorf("store sign-in link: %w", err)
	}
	return nil
}

// putLink stores a link for a member, 0 for the first owner, and forgets those that
// were never used in time.
func putLink(ctx context.Context, tx pgx.Tx, secret controlplane.Secret, member controlplane.ID, expires time.Time) error {
	digest := secret.Digest()
	_, err := tx.Exec(ctx, `
		with gone as (delete from sign_in_links where expires_at <= now())
		insert into sign_in_links (digest, member_id, expires_at) values ($1, $2, $3)`, digest[:], orNull(member), expires)
	return err
}

// UseSignInLink takes a one-time token of the first owner, creates them when there
// is no owner, and returns their id; 0 when the token was not good. Of several
// callers with the same token one gets the id.
func (db *DB) UseSignInLink(ctx context.Context, secret controlplane.Secret, now time.Time) (controlplane.ID, error) {
	digest := secret.Digest()
	var owner controlplane.ID
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		var expires time.Time
		err := tx.QueryRow(ctx, `delete from sign_in_links where digest = $1 and member_id is null returning expires_at`, digest[:]).Scan(&expires)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && !now.Before(expires) {
			return nil
		}
		if err != nil {
			return err
		}
		// Two links at once must not make two owners.
		if _, err := tx.Exec(ctx, `lock table members in share row exclusive mode`); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into members (name, role, joined_at) select $1, 'OWNER', now() where not exists (select from members where `+activeOwner+`)`, firstOwner)
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `select id from members where `+activeOwner+` order by id limit 1`).Scan(&owner)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("use sign-in link: %w", err)
	}
	return owner, nil
}

// LinkedMember returns whom a link that is good now is for, and whether it is for
// anybody. It stays good.
func (db *DB) LinkedMember(ctx context.Context, secret controlplane.Secret) (controlplane.Member, bool, error) {
	digest := secret.Digest()
	member, err := one[controlplane.Member](ctx, db.pool, `
		select `+memberColumns+` from members
		where not disabled and id = (select member_id from sign_in_links where digest = $1 and expires_at > now())`, digest[:])
	if errors.Is(err, pgx.ErrNoRows) {
		return member, false, nil
	}
	if err != nil {
		return member, false, fmt.Errorf("look up a member's link: %w", err)
	}
	return member, true, nil
}

// AcceptLink takes a member's link: they have the password then, and the name if
// they were invited, and all their sessions have ended. It returns the member, and
// whether the link was good. Of several callers with the same link one gets true.
func (db *DB) AcceptLink(ctx context.Context, secret controlplane.Secret, name, password string) (controlplane.Member, bool, error) {
	digest := secret.Digest()
	var member controlplane.Member
	good := false
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		var id controlplane.ID
		err := tx.QueryRow(ctx, `delete from sign_in_links where digest = $1 and member_id is not null and expires_at > now() returning member_id`, digest[:]).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		was, err := list[controlplane.Member](ctx, tx, `select `+memberColumns+` from members where id = $1 for update`, id)
		if err != nil || len(was) == 0 {
			return err
		}
		member, err = one[controlplane.Member](ctx, tx, `
			update members set password = $2, name = case when joined_at is null then $3 else name end, joined_at = coalesce(joined_at, now())
			where id = $1 and not disabled returning `+memberColumns, id, password, name)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := endSessions(ctx, tx, id, 0); err != nil {
			return err
		}
		good = true
		return appendAudit(asMember(ctx, member), tx, audit.Changed(audit.AcceptMemberLink, audit.OfMember(was[0]), audit.OfMember(member)))
	})
	if err != nil {
		return member, false, fmt.Errorf("accept a member's link: %w", err)
	}
	return member, good, nil
}

// SignInSecrets are what a member has to prove.
type SignInSecrets struct {
	ID         controlplane.ID
	Password   string // its digest; empty: none
	TOTPSecret string // empty: no second step
	TOTPStep   int64  // the last one that was used
	TOTPDraft  string // shown and not confirmed
}

const secretColumns = `id, coalesce(password, ''), coalesce(totp_secret, ''), totp_step, coalesce(totp_draft, '')`

// SecretsByEmail returns what the member with an address has to prove, and whether
// there is one who may sign in.
func (db *DB) SecretsByEmail(ctx context.Context, email string) (SignInSecrets, bool, error) {
	return db.secrets(ctx, `select `+secretColumns+` from members where email = $1 and not disabled and joined_at is not null`, email)
}

// SecretsOf is SecretsByEmail for a member.
func (db *DB) SecretsOf(ctx context.Context, id controlplane.ID) (SignInSecrets, bool, error) {
	return db.secrets(ctx, `select `+secretColumns+` from members where id = $1 and not disabled and joined_at is not null`, id)
}

func (db *DB) secrets(ctx context.Context, sql string, of any) (SignInSecrets, bool, error) {
	s, err := one[SignInSecrets](ctx, db.pool, sql, of)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, false, nil
	}
	if err != nil {
		return s, false, fmt.Errorf("read what a member has to prove: %w", err)
	}
	return s, true, nil
}

// SetPassword stores the digest of a member's new password, and ends their sessions
// but one.
func (db *DB) SetPassword(ctx context.Context, member controlplane.ID, digest string, but controlplane.ID) error {
	err := db.changeSelf(ctx, audit.SetPassword, member, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `update members set password = $2 where id = $1`, member, digest); err != nil {
			return err
		}
		return endSessions(ctx, tx, member, but)
	})
	return memberFault("store password", err)
}

// RehashPassword stores another digest of the password that a member has, unless
// they have changed it meanwhile.
func (db *DB) RehashPassword(ctx context.Context, member controlplane.ID, was, digest string) error {
	if _, err := db.pool.Exec(ctx, `update members set password = $3 where id = $1 and password = $2`, member, was, digest); err != nil {
		return fmt.Errorf("store password: %w", err)
	}
	return nil
}

// UpdateProfile changes what a member says of themselves.
func (db *DB) UpdateProfile(ctx context.Context, id controlplane.ID, p controlplane.Profile) error {
	err := db.changeSelf(ctx, audit.UpdateProfile, id, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update members set name = coalesce($2, name), email = coalesce($3, email) where id = $1`, id, p.Name, p.Email)
		return err
	})
	return memberFault("update profile", err)
}

// Tries bounds how often something may be tried: a bucket of that many, which gets
// one back after each interval.
type Tries struct {
	Most  int
	Every time.Duration
}

// triesKeptFor is how long it is known what was tried; every bucket is full by then.
const triesKeptFor = time.Hour

// TakeTry takes one try of what key names, and returns 0, or how long to wait for
// one. Processes share the buckets, and of many callers at once no more get one than
// there are.
func (db *DB) TakeTry(ctx context.Context, key string, t Tries) (wait time.Duration, err error) {
	digest := sha256.Sum256([]byte(key))
	const refilled = `least($2::float8, s.tries + greatest(0, extract(epoch from now() - s.at)::float8) / $3::float8)`
	var taken bool
	var left float64
	err = db.pool.QueryRow(ctx, `
		with gone as (delete from sign_in_tries where at < now() - $4::interval and digest <> $1)
		insert into sign_in_tries as s (digest, tries, taken) values ($1, $2::float8 - 1, true)
		on conflict (digest) do update set taken = `+refilled+` >= 1, tries = `+refilled+` - (`+refilled+` >= 1)::int, at = greatest(s.at, now())
		returning taken, tries`, digest[:], float64(t.Most), t.Every.Seconds(), triesKeptFor).Scan(&taken, &left)
	if err != nil {
		return 0, fmt.Errorf("count a try to sign in: %w", err)
	}
	if taken {
		return 0, nil
	}
	return time.Duration((1 - left) * float64(t.Every)), nil
}

// ForgetTries fills the bucket of what key names: whoever tried has succeeded.
func (db *DB) ForgetTries(ctx context.Context, key string) error {
	digest := sha256.Sum256([]byte(key))
	if _, err := db.pool.Exec(ctx, `delete from sign_in_tries where digest = $1`, digest[:]); err != nil {
		return fmt.Errorf("forget tries to sign in: %w", err)
	}
	return nil
}
