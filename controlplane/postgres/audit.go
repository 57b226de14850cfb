package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// notes are what a transaction is to leave in the audit log.
type notes []audit.Entry

func (n *notes) add(e audit.Entry) { *n = append(*n, e) }

// addOf adds what is about more accounts than it names.
func (n *notes) addOf(e audit.Entry, reach []audit.Reach) {
	e.Reach = reach
	n.add(e)
}

// appendAudit adds records to the audit log, done by the actor of ctx. It is to be
// the last that a transaction does: from here on all others wait who have something
// to add. When it fails, so does the change that it is about.
func appendAudit(ctx context.Context, tx pgx.Tx, entries ...audit.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if err := settleCarried(ctx, tx); err != nil {
		return err
	}
	var head audit.Anchor
	var hash []byte
	// The clock is read under the lock, so that times stand in the order of records.
	if _, err := tx.Exec(ctx, `select from audit_head for update`); err != nil {
		return fmt.Errorf("lock the audit log: %w", err)
	}
	var at time.Time
	if err := tx.QueryRow(ctx, `select seq, hash, clock_timestamp() from audit_head`).Scan(&head.Seq, &hash, &at); err != nil {
		return fmt.Errorf("read the head of the audit log: %w", err)
	}
	copy(head.Hash[:], hash)
	by := controlplane.ActorOf(ctx)
	before := head.Seq
	records := make([]audit.Record, len(entries))
	for i, e := range entries {
		r, err := audit.Append(head, at, by, e)
		if err != nil {
			return fmt.Errorf("record %s: %w", e.Action, err)
		}
		records[i], head = r, r.Place()
	}
	if err := insertRecords(ctx, tx, records); err != nil {
		return fmt.Errorf("add to the audit log: %w", err)
	}
	for i, e := range entries {
		if err := appendReach(ctx, tx, records[i].Seq, e.Reach); err != nil {
			return fmt.Errorf("note whom %s is about: %w", e.Action, err)
		}
	}
	return markClaim(ctx, tx, before+1, head.Seq)
}

// insertRecords adds records that one actor has made at one time, in one statement.
func insertRecords(ctx context.Context, tx pgx.Tx, records []audit.Record) error {
	n := len(records)
	seqs, accounts := make([]int64, n), make([]int64, n)
	actions, kinds, ids, names := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	before, after := make([]*string, n), make([]*string, n)
	prev, hashes := make([][]byte, n), make([][]byte, n)
	for i, r := range records {
		seqs[i], accounts[i] = r.Seq, int64(r.AccountID)
		actions[i], kinds[i], ids[i], names[i] = string(r.Action), string(r.Object.Kind), r.Object.ID, r.Object.Name
		before[i], after[i] = jsonOrNull(r.Before), jsonOrNull(r.After)
		prev[i], hashes[i] = r.PrevHash[:], r.Hash[:]
	}
	by := records[0].Actor
	_, err := tx.Exec(ctx, `
		insert into audit_records (seq, at, actor_kind, actor_id, actor_name, request_id, action, object_kind, object_id, object_name,
			account_id, before, after, prev_hash, hash)
		select r.seq, $1, $2, $3, $4, $5, r.action, r.object_kind, r.object_id, r.object_name, r.account_id, r.before::jsonb, r.after::jsonb, r.prev_hash, r.hash
		from unnest($6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::bytea[], $15::bytea[])
			as r (seq, action, object_kind, object_id, object_name, account_id, before, after, prev_hash, hash)`,
		records[0].At, string(by.Kind), by.ID, by.Name, by.RequestID, seqs, actions, kinds, ids, names, accounts, before, after, prev, hashes)
	return err
}

func jsonOrNull(text json.RawMessage) *string {
	if text == nil {
		return nil
	}
	s := string(text)
	return &s
}

// errNothingNoted is a change that forgot to say what it was.
var errNothingNoted = errors.New("a change of policy left nothing in the audit log")

const auditColumns = `seq, at, actor_kind, actor_id, actor_name, request_id, action, object_kind, object_id, object_name,
	account_id, before::text, after::text, prev_hash, hash`

func listRecords(ctx context.Context, q querier, sql string, args ...any) ([]audit.Record, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r audit.Record, err error) {
		var before, after *string
		var prev, hash []byte
		err = row.Scan(&r.Seq, &r.At, &r.Actor.Kind, &r.Actor.ID, &r.Actor.Name, &r.Actor.RequestID, &r.Action, &r.Object.Kind, &r.Object.ID, &r.Object.Name,
			&r.AccountID, &before, &after, &prev, &hash)
		r.At, r.Before, r.After = r.At.UTC(), rawJSON(before), rawJSON(after)
		copy(r.PrevHash[:], prev)
		copy(r.Hash[:], hash)
		return r, err
	})
}

func rawJSON(text *string) json.RawMessage {
	if text == nil {
		return nil
	}
	return json.RawMessage(*text)
}
