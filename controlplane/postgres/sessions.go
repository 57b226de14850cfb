package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// NewSession is a session to begin.
type NewSession struct {
	Secret    controlplane.Secret // in the browser's cookie
	MemberID  controlplane.ID
	Pending   bool // until the second step
	OpenID    bool // it began at the OpenID provider
	Address   string
	UserAgent string
	Lasts     time.Duration
}

// MemberSession is a session and whose it is.
type MemberSession struct {
	ID     controlplane.ID
	OpenID bool // it began at the OpenID provider
	Member controlplane.Member
}

// BeginSession stores a session, in place of the one that the browser had (before),
// and forgets those that have expired. It reports whether it did: not for a member
// who can't sign in any more.
func (db *DB) BeginSession(ctx context.Context, s NewSession, before *controlplane.Secret) (bool, error) {
	begun := false
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `delete from sessions where expires_at <= now()`); err != nil {
			return err
		}
		if before != nil {
			digest := before.Digest()
			if _, err := tx.Exec(ctx, `delete from sessions where digest = $1`, digest[:]); err != nil {
				return err
			}
		}
		// Whoever disables the member waits, or ends this session too.
		members, err := list[controlplane.Member](ctx, tx, `
			update members set signed_in_at = case when $2 then signed_in_at else now() end
			where id = $1 and not disabled and joined_at is not null returning `+memberColumns, s.MemberID, s.Pending)
		if err != nil || len(members) == 0 {
			return err
		}
		begun = true
		digest := s.Secret.Digest()
		_, err = tx.Exec(ctx, `
			insert into sessions (digest, member_id, pending, openid, address, user_agent, expires_at)
			values ($1, $2, $3, $4, $5, $6, now() + $7)`, digest[:], s.MemberID, s.Pending, s.OpenID, s.Address, s.UserAgent, s.Lasts)
		if err != nil || s.Pending {
			return err
		}
		entry := audit.Created(audit.SignIn, audit.OfMember(members[0]))
		entry.After = audit.State{"address": s.Address, "userAgent": s.UserAgent, "openid": s.OpenID}
		return appendAudit(asMember(ctx, members[0]), tx, entry)
	})
	if err != nil {
		return false, fmt.Errorf("begin session: %w", err)
	}
	return begun, nil
}

// SessionOf returns the live session with a secret, and whether there is one. Once a
// minute it notes that the session was seen.
func (db *DB) SessionOf(ctx context.Context, secret controlplane.Secret, pending bool, idle time.Duration) (MemberSession, bool, error) {
	digest := secret.Digest()
	found, err := one[struct {
		ID            controlplane.ID
		OpenID, Stale bool
		controlplane.Member
	}](ctx, db.pool, `
		select s.session_id, s.openid, s.stale, m.*
		from (
			select id as session_id, openid, member_id, last_seen_at < now() - interval '1 minute' as stale from sessions
			where digest = $1 and pending = $2 and expires_at > now() and last_seen_at > now() - $3::interval
		) s cross join lateral (
			select `+memberColumns+` from members where id = s.member_id and not disabled and joined_at is not null
		) m`, digest[:], pending, idle)
	if errors.Is(err, pgx.ErrNoRows) {
		return MemberSession{}, false, nil
	}
	if err != nil {
		return MemberSession{}, false, fmt.Errorf("find session: %w", err)
	}
	if found.Stale {
		if _, err := db.pool.Exec(ctx, `update sessions set last_seen_at = now() where id = $1`, found.ID); err != nil {
			return MemberSession{}, false, fmt.Errorf("note that a session was seen: %w", err)
		}
	}
	return MemberSession{found.ID, found.OpenID, found.Member}, true, nil
}

// Sessions returns a member's live sessions, the one that was seen last first.
func (db *DB) Sessions(ctx context.Context, member controlplane.ID, idle time.Duration) ([]controlplane.Session, error) {
	sessions, err := list[controlplane.Session](ctx, db.pool, `
		select id, member_id, address, user_agent, begun_at, last_seen_at, expires_at from sessions
		where member_id = $1 and not pending and expires_at > now() and last_seen_at > now() - $2::interval
		order by last_seen_at desc, id desc limit 200`, member, idle)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return sessions, nil
}

// EndSession ends one session of a member; it fails with NOT_FOUND when it isn't
// theirs.
func (db *DB) EndSession(ctx context.Context, member, id controlplane.ID) error {
	err := db.changeSelf(ctx, audit.EndSession, member, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `delete from sessions where id = $1 and member_id = $2`, id, member)
		if err == nil && tag.RowsAffected() == 0 {
			err = controlplane.NotFound("id", "session")
		}
		return err
	})
	return memberFault("end session", err)
}

// EndOtherSessions ends all sessions of a member but one.
func (db *DB) EndOtherSessions(ctx context.Context, member, but controlplane.ID) error {
	err := db.changeSelf(ctx, audit.EndOtherSessions, member, func(tx pgx.Tx) error { return endSessions(ctx, tx, member, but) })
	return memberFault("end other sessions", err)
}

// asMember returns a context in which a member acts who is signing in.
func asMember(ctx context.Context, m controlplane.Member) context.Context {
	return controlplane.WithActor(ctx, controlplane.Actor{
		Kind: controlplane.ActorMember, ID: m.ID, Name: audit.OfMember(m).Object.Name, RequestID: controlplane.ActorOf(ctx).RequestID,
	})
}

// endSessions ends all sessions of a member but one, 0 for none.
func endSessions(ctx context.Context, tx pgx.Tx, member, but controlplane.ID) error {
	_, err := tx.Exec(ctx, `delete from sessions where member_id = $1 and id <> $2`, member, but)
	return err
}
