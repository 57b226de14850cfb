package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// correctionColumns are those of controlplane.Correction.
const correctionColumns = `id, kind, client_id, account_id, key_id, endpoint_id, tier_id, minute, requests, cost, bytes_in, bytes_out,
	meter_id, amount, coalesce(voids, 0), reason, actor, created_at`

// correctionLock is the advisory lock of those who make corrections: one at a
// time, so that two of the same id know of each other. Commits don't take it.
const correctionLock = 0x77656972_636f7272

// Correct makes corrections, at most [controlplane.MaxCorrections], in one
// transaction with what they add to every level and to the audit log, under decisions of their own: what
// Envoys sent stays as it is. A correction that was made before, by its kind and
// client id, is not made again, and its result is the first one's. One that can't
// be made has its mistakes in its result and does not hold up the others.
func (db *DB) Correct(ctx context.Context, wanted []controlplane.NewCorrection) ([]controlplane.CorrectionResult, error) {
	if len(wanted) > controlplane.MaxCorrections {
		return nil, controlplane.Invalid("corrections", "give at most %d at once", controlplane.MaxCorrections)
	}
	var c *correcting
	err := db.withPartitions(ctx, func() error {
		return db.inTx(ctx, func(tx pgx.Tx) error {
			c = &correcting{wanted: wanted, results: make([]controlplane.CorrectionResult, len(wanted)), made: map[correctionID]*controlplane.Correction{}}
			return c.run(ctx, db, tx)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("correct usage: %w", err)
	}
	return c.results, nil
}

type correctionID struct{ kind, client string }

// correcting is a transaction that makes corrections.
type correcting struct {
	wanted  []controlplane.NewCorrection
	results []controlplane.CorrectionResult
	made    map[correctionID]*controlplane.Correction
	fresh   []int // the wanted ones to make, by index
}

func (c *correcting) run(ctx context.Context, db *DB, tx pgx.Tx) error {
	var now time.Time
	if err := tx.QueryRow(ctx, `select now() from pg_advisory_xact_lock($1)`, int64(correctionLock)).Scan(&now); err != nil {
		return err
	}
	for _, step := range []func(context.Context, pgx.Tx, time.Time) error{c.findKnown, c.checkNames, c.fillVoids} {
		if err := step(ctx, tx, now); err != nil {
			return err
		}
	}
	if err := c.insert(ctx, tx); err != nil {
		return err
	}
	if err := c.apply(ctx, db, tx); err != nil {
		return err
	}
	entries, err := c.entries(ctx, tx)
	if err != nil {
		return err
	}
	return appendAudit(ctx, tx, entries...)
}

// refuse notes a mistake of the caller's.
func (c *correcting) refuse(i int, err error) { c.results[i].Err = errors.Join(c.results[i].Err, err) }

// keepFresh drops what was refused meanwhile.
func (c *correcting) keepFresh() {
	c.fresh = slices.DeleteFunc(c.fresh, func(i int) bool { return c.results[i].Err != nil })
}

// findKnown sorts out what is malformed, and what was made before.
func (c *correcting) findKnown(ctx context.Context, tx pgx.Tx, now time.Time) error {
	var kinds, clients []string
	for i := range c.wanted {
		w := &c.wanted[i]
		if err := w.Validate(now); err != nil {
			c.refuse(i, err)
			continue
		}
		kinds, clients = append(kinds, w.Kind), append(clients, w.ClientID)
	}
	known, err := list[controlplane.Correction](ctx, tx, `
		select `+correctionColumns+` from corrections where (kind, client_id) in (select * from unnest($1::text[], $2::text[]))`, kinds, clients)
	if err != nil {
		return err
	}
	for i := range known {
		known[i].At = known[i].At.UTC()
		c.made[correctionID{known[i].Kind, known[i].ClientID}] = &known[i]
	}
	for i := range c.wanted {
		if c.results[i].Err == nil {
			c.sortOut(i)
		}
	}
	return nil
}

func (c *correcting) sortOut(i int) {
	w := &c.wanted[i]
	id := correctionID{w.Kind, w.ClientID}
	made := c.made[id]
	switch {
	case made == nil:
		c.made[id] = &controlplane.Correction{
			Kind: w.Kind, ClientID: w.ClientID, AccountID: w.AccountID, KeyID: w.KeyID, EndpointID: w.EndpointID, TierID: w.TierID,
			At: w.At.UTC().Truncate(time.Minute), Requests: w.Requests, Cost: w.Cost, BytesIn: w.BytesIn, BytesOut: w.BytesOut,
			MeterID: w.MeterID, Amount: w.Amount, Voids: w.Voids, Reason: w.Reason, Actor: w.Actor,
		}
		c.fresh = append(c.fresh, i)
	case w.Same(made):
		c.results[i].Known = true
	default:
		c.refuse(i, controlplane.Conflict("clientId", "%q was used for another correction; give each its own id", w.ClientID))
	}
}

// checkNames refuses what names something that isn't there. A void may name what
// has gone since.
func (c *correcting) checkNames(ctx context.Context, tx pgx.Tx, _ time.Time) error {
	var indexes []int
	var accounts, keys, endpoints, tiers, meters []int64
	for _, i := range c.fresh {
		if w := &c.wanted[i]; w.Kind != controlplane.KindVoid {
			indexes, accounts, keys = append(indexes, i), append(accounts, int64(w.AccountID)), append(keys, int64(w.KeyID))
			endpoints, tiers, meters = append(endpoints, int64(w.EndpointID)), append(tiers, int64(w.TierID)), append(meters, int64(w.MeterID))
		}
	}
	rows, err := tx.Query(ctx, `
		select n::int - 1, field from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
			with ordinality as c (account, key, endpoint, tier, meter, n),
		lateral (values
			('accountId', exists (select from accounts where id = account)),
			('keyId', key = 0 or exists (select from keys where id = key and account_id = account) or exists (select from identities where id = key and account_id = account)),
			('endpointId', endpoint = 0 or exists (select from endpoints where id = endpoint)),
			('tierId', tier = 0 or exists (select from tiers where id = tier)),
			('meterId', meter = 0 or exists (select from meters where id = meter))) as f (field, there)
		where not there`, accounts, keys, endpoints, tiers, meters)
	if err != nil {
		return err
	}
	what := map[string]string{"accountId": "account", "keyId": "key of this account", "endpointId": "endpoint", "tierId": "tier", "meterId": "meter"}
	var n int
	var field string
	_, err = pgx.ForEachRow(rows, []any{&n, &field}, func() error {
		c.refuse(indexes[n], controlplane.NotFound(field, what[field]))
		return nil
	})
	c.keepFresh()
	return err
}

// insert keeps what is fresh, in the order of the wanted ones.
func (c *correcting) insert(ctx context.Context, tx pgx.Tx) error {
	batch := &pgx.Batch{}
	for _, i := range c.fresh {
		m := c.made[correctionID{c.wanted[i].Kind, c.wanted[i].ClientID}]
		batch.Queue(`
			insert into corrections (kind, client_id, account_id, key_id, endpoint_id, tier_id, minute, requests, cost, bytes_in, bytes_out,
				meter_id, amount, voids, reason, actor)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) returning id, created_at`,
			m.Kind, m.ClientID, m.AccountID, m.KeyID, m.EndpointID, m.TierID, m.At, m.Requests, m.Cost, m.BytesIn, m.BytesOut,
			m.MeterID, m.Amount, orNull(m.Voids), m.Reason, m.Actor).QueryRow(func(row pgx.Row) error { return row.Scan(&m.ID, &m.CreatedAt) })
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	for i := range c.wanted {
		if r := &c.results[i]; r.Err == nil {
			r.Correction = *c.made[correctionID{c.wanted[i].Kind, c.wanted[i].ClientID}]
		}
	}
	return nil
}

// apply adds what is fresh to the rollups.
func (c *correcting) apply(ctx context.Context, db *DB, tx pgx.Tx) error {
	var rows []usage.Row
	var meters []usage.MeterRow
	var accounts []int64
	for _, i := range c.fresh {
		m := &c.results[i].Correction
		accounts = append(accounts, int64(m.AccountID))
		minute := m.At.Unix() / 60
		decision, err := decisionOf(ctx, tx, m)
		if err != nil {
			return err
		}
		if sums := (usage.Sums{Requests: m.Requests, Cost: m.Cost, BytesIn: m.BytesIn, BytesOut: m.BytesOut}); sums != (usage.Sums{}) {
			rows = append(rows, usage.Row{Sums: sums, EntryKey: wire.EntryKey{
				Minute: minute, Account: uint64(m.AccountID), Key: uint64(m.KeyID), Endpoint: uint64(m.EndpointID), Tier: uint64(m.TierID), Decision: decision,
			}})
		}
		if m.Amount != 0 {
			meters = append(meters, usage.MeterRow{Corrected: m.Amount, MeterKey: wire.MeterKey{
				Minute: minute, Account: uint64(m.AccountID), Key: uint64(m.KeyID), Endpoint: uint64(m.EndpointID), Tier: uint64(m.TierID), Meter: uint64(m.MeterID),
			}})
		}
	}
	if len(rows)+len(meters) == 0 {
		return nil
	}
	slices.Sort(accounts)
	terms, err := readTerms(ctx, tx, slices.Compact(accounts))
	if err != nil {
		return err
	}
	return db.addRollups(ctx, tx, terms.RollUp(rows, nil, meters))
}

// decisionOf returns what a correction counts under. A void is taken from where
// that was counted which it takes back, but for what Envoys sent.
func decisionOf(ctx context.Context, tx pgx.Tx, m *controlplane.Correction) (wire.Decision, error) {
	kind := m.Kind
	if m.Voids != 0 {
		if err := tx.QueryRow(ctx, `select kind from corrections where id = $1`, m.Voids).Scan(&kind); err != nil {
			return 0, err
		}
	}
	if kind == controlplane.KindImport {
		return explore.Imported, nil
	}
	return explore.Corrected, nil
}

// readTerms is queueTerms in a round trip of its own.
func readTerms(ctx context.Context, tx pgx.Tx, accounts []int64) (usage.Terms, error) {
	batch := &pgx.Batch{}
	terms := queueTerms(batch, accounts)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return usage.Terms{}, err
	}
	return terms.read(), nil
}
