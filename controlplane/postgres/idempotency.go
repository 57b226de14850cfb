package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

// The transaction that changes something for a request with an Idempotency-Key marks
// the key, too (markClaim): either both are there or neither. So whoever finds a key
// without a mark, whose attempt is over, knows that nothing was changed; and an
// attempt that was thought dead can't change anything once another has taken over.

// Claim is the right to carry out a request with an Idempotency-Key.
type Claim struct {
	actor        controlplane.Actor
	digest, body [32]byte
	attempt      int64
}

// KeptAnswer is what is known of a request that was carried out before.
type KeptAnswer struct {
	Sealed []byte // nil: the answer was lost
	// Objects are the ids of what was changed.
	Objects []string
}

const (
	// answersKeptFor is how long a key stands for its request.
	answersKeptFor = 24 * time.Hour
	// mostKeys is how many an actor may use within that time.
	mostKeys = 10_000
	// MaxSealed is how many bytes of an answer are kept.
	MaxSealed = 300_000
)

// ClaimKey lets the actor of ctx carry out the request with a digest, unless its key
// is used already: then it returns what is known of that. It fails with CONFLICT
// while the request runs, and with IDEMPOTENCY_MISMATCH when the key was used for
// another one. After runsFor the attempt counts as dead.
func (db *DB) ClaimKey(ctx context.Context, digest, body [32]byte, runsFor time.Duration) (*Claim, *KeptAnswer, error) {
	by := controlplane.ActorOf(ctx)
	claim := &Claim{actor: by, digest: digest, body: body}
	err := db.pool.QueryRow(ctx, `
		insert into idempotency_keys as k (actor_kind, actor_id, digest, body, runs_until)
		select $1, $2, $3, $4, now() + $5::interval
		where (select count(*) from (select from idempotency_keys where actor_kind = $1 and actor_id = $2 limit $7) used) < $7
			or exists (select from idempotency_keys where actor_kind = $1 and actor_id = $2 and digest = $3)
		on conflict (actor_kind, actor_id, digest) do update
			set body = excluded.body, attempt = k.attempt + 1, claimed_at = now(), runs_until = excluded.runs_until, records = '{}', answer = null
			where k.claimed_at < now() - $6::interval
				or k.body = excluded.body and k.records = '{}' and k.answer is null and k.runs_until < now()
		returning attempt`,
		string(by.Kind), by.ID, digest[:], body[:], runsFor, answersKeptFor, mostKeys).Scan(&claim.attempt)
	switch {
	case err == nil:
		return claim, nil, nil
	case !errors.Is(err, pgx.ErrNoRows):
		return nil, nil, fmt.Errorf("claim an idempotency key: %w", err)
	}
	kept, err := db.keptAnswer(ctx, claim)
	return nil, kept, err
}

func (db *DB) keptAnswer(ctx context.Context, c *Claim) (*KeptAnswer, error) {
	var kept KeptAnswer
	var body []byte
	var changed bool
	err := db.pool.QueryRow(ctx, `
		select body, answer, records <> '{}' and runs_until < now(), array(select coalesce(object_id, '') from audit_records where seq = any(records) order by seq)
		from idempotency_keys where actor_kind = $1 and actor_id = $2 and digest = $3`,
		string(c.actor.Kind), c.actor.ID, c.digest[:]).Scan(&body, &kept.Sealed, &changed, &kept.Objects)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // the limit, or it was given up this moment
		return nil, controlplane.Conflict("Idempotency-Key", "there are more than %d keys of the last day, or the request has just ended; try again later", mostKeys)
	case err != nil:
		return nil, fmt.Errorf("read an idempotency key: %w", err)
	case [32]byte(body) != c.body:
		return nil, &controlplane.Error{Code: controlplane.CodeIdempotencyMismatch, Field: "Idempotency-Key", Message: "this key was used for another request; use a new one"}
	case kept.Sealed == nil && !changed:
		return nil, controlplane.Conflict("Idempotency-Key", "the request with this key is still in progress; try again in a moment")
	}
	return &kept, nil
}

// EndClaim keeps the sealed answer of a request that changed something. One that
// changed nothing leaves nothing behind, and may be tried again.
func (db *DB) EndClaim(ctx context.Context, c *Claim, sealed []byte) error {
	if len(sealed) > MaxSealed {
		sealed = nil // whoever asks again learns what was changed, and reads it
	}
	of := []any{string(c.actor.Kind), c.actor.ID, c.digest[:], c.attempt}
	_, err := db.pool.Exec(ctx, `
		with ended as (update idempotency_keys set answer = $5, runs_until = now() - interval '1 second'
			where actor_kind = $1 and actor_id = $2 and digest = $3 and attempt = $4 and records <> '{}')
		delete from idempotency_keys where actor_kind = $1 and actor_id = $2 and digest = $3 and attempt = $4 and records = '{}'`, append(of, sealed)...)
	if err != nil {
		return fmt.Errorf("keep the answer of an idempotency key: %w", err)
	}
	return nil
}

// ForgetKeys deletes keys that no longer stand for a request, and returns how many
// that were, at most atOnce.
func (db *DB) ForgetKeys(ctx context.Context, atOnce int) (int, error) {
	tag, err := db.pool.Exec(ctx, `
		delete from idempotency_keys where (actor_kind, actor_id, digest) in (
			select actor_kind, actor_id, digest from idempotency_keys where claimed_at < now() - $1::interval
			order by claimed_at limit $2 for update skip locked)`, answersKeptFor, atOnce)
	if err != nil {
		return 0, fmt.Errorf("forget idempotency keys: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// unrecorded marks a claim for a change that leaves no record.
const unrecorded = 0

type claimKey struct{}

// WithClaim returns a context in which changes are made for a claim.
func WithClaim(ctx context.Context, c *Claim) context.Context {
	return context.WithValue(ctx, claimKey{}, c)
}

// markClaim notes with the claim of ctx, if there is one, which records a change has
// left in the audit log. It fails, and the change with it, when another attempt has
// taken over.
func markClaim(ctx context.Context, tx pgx.Tx, first, last int64) error {
	c, ok := ctx.Value(claimKey{}).(*Claim)
	if !ok {
		return nil
	}
	tag, err := tx.Exec(ctx, `
		update idempotency_keys set records = records || array(select generate_series($5::bigint, $6::bigint))
		where actor_kind = $1 and actor_id = $2 and digest = $3 and attempt = $4`,
		string(c.actor.Kind), c.actor.ID, c.digest[:], c.attempt, first, last)
	switch {
	case err != nil:
		return fmt.Errorf("mark an idempotency key: %w", err)
	case tag.RowsAffected() == 0:
		return controlplane.Conflict("Idempotency-Key", "this request took too long, and another with its key has taken over")
	}
	return nil
}
