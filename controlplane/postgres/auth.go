package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

// CreateSignInLink stores a one-time token that is good until expires, and
// forgets those that were never used in time.
func (db *DB) CreateSignInLink(ctx context.Context, secret controlplane.Secret, expires time.Time) error {
	digest := secret.Digest()
	_, err := db.pool.Exec(ctx, `
		with gone as (delete from sign_in_links where expires_at <= now())
		insert into sign_in_links (digest, expires_at) values ($1, $2)`, digest[:], expires)
	if err != nil {
		return fmt.Errorf("store sign-in link: %w", err)
	}
	return nil
}

// UseSignInLink takes a one-time token, and says whether it was still good. Of
// several callers with the same token one is told so.
func (db *DB) UseSignInLink(ctx context.Context, secret controlplane.Secret, now time.Time) (bool, error) {
	digest := secret.Digest()
	var expires time.Time
	err := db.pool.QueryRow(ctx, `delete from sign_in_links where digest = $1 returning expires_at`, digest[:]).Scan(&expires)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("use sign-in link: %w", err)
	}
	return now.Before(expires), nil
}

// SetAPIToken stores the token of that name, in place of the one it had.
func (db *DB) SetAPIToken(ctx context.Context, name string, secret controlplane.Secret) error {
	digest := secret.Digest()
	_, err := db.pool.Exec(ctx, `
		insert into api_tokens (name, digest) values ($1, $2)
		on conflict (name) do update set digest = excluded.digest`, name, digest[:])
	if err != nil {
		return fmt.Errorf("store API token: %w", err)
	}
	return nil
}

// APITokenName returns the name of the token, or false when nobody has it.
func (db *DB) APITokenName(ctx context.Context, secret controlplane.Secret) (string, bool, error) {
	digest := secret.Digest()
	var name string
	err := db.pool.QueryRow(ctx, `select name from api_tokens where digest = $1`, digest[:]).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look up API token: %w", err)
	}
	return name, true, nil
}

// Sessions keeps browser sessions; it is a store for the session library. A
// session's token arrives as a digest already.
type Sessions struct{ db *DB }

// Sessions returns the store of browser sessions.
func (db *DB) Sessions() Sessions { return Sessions{db} }

// FindCtx returns the content of a live session.
func (s Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var content []byte
	err := s.db.pool.QueryRow(ctx, `select content from sessions where token = $1 and expires_at > now()`, token).Scan(&content)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("find session: %w", err)
	}
	return content, true, nil
}

// CommitCtx stores a session until it expires, and forgets the expired ones.
func (s Sessions) CommitCtx(ctx context.Context, token string, content []byte, expires time.Time) error {
	_, err := s.db.pool.Exec(ctx, `
		with gone as (delete from sessions where expires_at <= now() and token <> $1)
		insert into sessions (token, content, expires_at) values ($1, $2, $3)
		on conflict (token) do update set content = excluded.content, expires_at = excluded.expires_at`, token, content, expires)
	if err != nil {
		return fmt.Errorf("store session: %w", err)
	}
	return nil
}

// DeleteCtx ends a session.
func (s Sessions) DeleteCtx(ctx context.Context, token string) error {
	if _, err := s.db.pool.Exec(ctx, `delete from sessions where token = $1`, token); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// Find is FindCtx without a deadline.
func (s Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a deadline.
func (s Sessions) Commit(token string, content []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), token, content, expires)
}

// Delete is DeleteCtx without a deadline.
func (s Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
