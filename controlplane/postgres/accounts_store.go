package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// accountChange is an account before a change, and after that.
type accountChange struct{ before, after controlplane.Account }

// closes tells whether the account is closed with it.
func (c *accountChange) closes() bool {
	return c.after.Status == controlplane.AccountClosed && c.before.Status != controlplane.AccountClosed
}

// leaves tells whether it makes an end of a move that is to come.
func (c *accountChange) leaves() bool {
	return c.closes() || c.after.OnDefaultTier != c.before.OnDefaultTier || c.after.TierID != c.before.TierID && !c.after.OnDefaultTier
}

// storeChange writes an account as it is after a change, notes that, and returns it.
func storeChange(ctx context.Context, tx pgx.Tx, note *notes, action audit.Action, before, after controlplane.Account) (controlplane.Account, error) {
	changes := []accountChange{{before, after}}
	if err := storeChanges(ctx, tx, note, action, changes); err != nil {
		return before, err
	}
	return changes[0].after, nil
}

// storeChanges writes accounts as they are after a change, notes that for each, and sets
// their revisions. A move that is to come gives way to another tier, and to the end. It
// takes as many statements for many accounts as for one.
func storeChanges(ctx context.Context, tx pgx.Tx, note *notes, action audit.Action, changes []accountChange) error {
	var leaving, closing []int64
	closedAt := map[controlplane.ID]*time.Time{}
	for i := range changes {
		id := changes[i].before.ID
		if changes[i].leaves() {
			leaving = append(leaving, int64(id))
		}
		if changes[i].closes() {
			closing = append(closing, int64(id))
			closedAt[id] = changes[i].after.ClosedAt
		}
	}
	cancelled, err := cancelMoves(ctx, tx, leaving)
	if err != nil {
		return err
	}
	if err := storeAccounts(ctx, tx, changes); err != nil {
		return err
	}
	revoked, err := revokeAll(ctx, tx, closing)
	if err != nil {
		return err
	}
	for i := range changes {
		c := &changes[i]
		if move, ok := cancelled[c.before.ID]; ok {
			note.add(audit.Deleted(audit.CancelAccountMove, audit.OfAccountMove(move, c.before.Name)))
		}
		for _, before := range revoked[c.before.ID] {
			after := before
			after.RevokedAt = closedAt[c.before.ID]
			after.Revision++
			note.add(audit.Changed(audit.RevokeKey, audit.OfKey(before), audit.OfKey(after)))
		}
		note.add(audit.Changed(action, audit.OfAccount(c.before), audit.OfAccount(c.after)))
	}
	return nil
}

// storeAccounts writes what can be changed of accounts, and sets the revisions that they
// are at then.
func storeAccounts(ctx context.Context, tx pgx.Tx, changes []accountChange) error {
	n := len(changes)
	ids, tiers, days := make([]int64, n), make([]*controlplane.ID, n), make([]int32, n)
	names, statuses, labels, zones := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	trialEnds, closedAt := make([]*time.Time, n), make([]*time.Time, n)
	trialThen, trialTiers := make([]*controlplane.TrialEnd, n), make([]*controlplane.ID, n)
	place := make(map[controlplane.ID]int, n)
	for i := range changes {
		a := &changes[i].after
		place[a.ID] = i
		ids[i], names[i], statuses[i], zones[i], days[i], closedAt[i] = int64(a.ID), a.Name, string(a.Status), a.TimeZone, int32(a.BillingDay), a.ClosedAt
		if !a.OnDefaultTier {
			tiers[i] = orNull(a.TierID)
		}
		text, err := json.Marshal(labelsColumn(a.Labels))
		if err != nil {
			return err
		}
		labels[i] = string(text)
		trial := trialColumns(a.Trial)
		trialEnds[i], trialThen[i], trialTiers[i] = trial.endsAt, trial.then, trial.tier
	}
	stored, err := list[struct {
		ID       controlplane.ID
		Revision int
	}](ctx, tx, `
		update accounts a set name = c.name, tier_id = c.tier, status = c.status, labels = c.labels::jsonb, time_zone = c.zone, billing_day = c.day,
			trial_ends_at = c.trial_ends_at, trial_then = c.trial_then, trial_tier_id = c.trial_tier, closed_at = c.closed_at
		from unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::int[], $8::timestamptz[], $9::text[], $10::bigint[], $11::timestamptz[])
			as c (id, name, tier, status, labels, zone, day, trial_ends_at, trial_then, trial_tier, closed_at)
		where a.id = c.id returning a.id, a.revision`,
		ids, names, tiers, statuses, labels, zones, days, trialEnds, trialThen, trialTiers, closedAt)
	for _, s := range stored {
		changes[place[s.ID]].after.Revision = s.Revision
	}
	return err
}

// revokeAll revokes the keys of accounts that are closed, with the time of that: by it
// they are known as refused for that reason. It returns them as they were.
func revokeAll(ctx context.Context, tx pgx.Tx, accounts []int64) (map[controlplane.ID][]controlplane.Key, error) {
	if len(accounts) == 0 {
		return nil, nil
	}
	keys, err := list[controlplane.Key](ctx, tx, `select `+keyColumns+` from keys where account_id = any($1) and revoked_at is null order by id`, accounts)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	_, err = tx.Exec(ctx, `
		update keys k set revoked_at = a.closed_at from accounts a where a.id = k.account_id and k.account_id = any($1) and k.revoked_at is null`, accounts)
	of := map[controlplane.ID][]controlplane.Key{}
	for _, k := range keys {
		of[k.AccountID] = append(of[k.AccountID], k)
	}
	return of, err
}

// cancelMoves cancels what is to come for accounts, and returns it by account.
func cancelMoves(ctx context.Context, tx pgx.Tx, accounts []int64) (map[controlplane.ID]controlplane.AccountMove, error) {
	if len(accounts) == 0 {
		return nil, nil
	}
	moves, err := list[controlplane.AccountMove](ctx, tx, pendingMoves+` and m.account_id = any($1)`, accounts)
	if err != nil || len(moves) == 0 {
		return nil, err
	}
	ids, parts, of := make([]int64, len(moves)), []controlplane.ID{}, make(map[controlplane.ID]controlplane.AccountMove, len(moves))
	for i, m := range moves {
		ids[i], of[m.AccountID] = int64(m.ID), m
		if m.TierMoveID != 0 && !slices.Contains(parts, m.TierMoveID) {
			parts = append(parts, m.TierMoveID)
		}
	}
	if _, err := tx.Exec(ctx, `update account_moves set cancelled_at = clock_timestamp() where id = any($1)`, ids); err != nil {
		return nil, err
	}
	for _, move := range parts {
		if err := awaitNext(ctx, tx, move); err != nil {
			return nil, err
		}
	}
	return of, nil
}
