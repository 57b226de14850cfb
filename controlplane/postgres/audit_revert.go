package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// AuditRecord returns a record of the audit log.
func (db *DB) AuditRecord(ctx context.Context, seq int64) (audit.Record, error) {
	found, err := listRecords(ctx, db.pool, `select `+auditColumns+` from audit_records where seq = $1`, seq)
	switch {
	case err != nil:
		return audit.Record{}, fmt.Errorf("read an audit record: %w", err)
	case len(found) == 0:
		return audit.Record{}, controlplane.NotFound("seq", "audit record")
	}
	return found[0], nil
}

// LatestRecord returns the newest record of the object of a record.
func (db *DB) LatestRecord(ctx context.Context, of audit.Record) (audit.Record, error) {
	latest, err := latestRecord(ctx, db.pool, of)
	if err != nil {
		return latest, fmt.Errorf("read the latest audit record of an object: %w", err)
	}
	return latest, nil
}

func latestRecord(ctx context.Context, q querier, of audit.Record) (audit.Record, error) {
	sql, args := ` where object_id = $1 and object_id <> '' and object_kind = $2 order by seq desc limit 1`, []any{of.Object.ID, string(of.Object.Kind)}
	if of.Object.ID == "" { // there is one such object, and one action that it goes by
		sql, args = ` where action = $1 order by seq desc limit 1`, []any{string(of.Action)}
	}
	found, err := listRecords(ctx, q, `select `+auditColumns+` from audit_records`+sql, args...)
	if err != nil || len(found) == 0 {
		return of, err
	}
	return found[0], nil
}

type untouchedKey struct{}

// IfLatest returns a context in which changes are recorded only as long as latest is
// the newest record of its object; else they fail with CONFLICT.
func IfLatest(ctx context.Context, latest audit.Record) context.Context {
	return context.WithValue(ctx, untouchedKey{}, latest)
}

// checkUntouched keeps the promise of IfLatest. The log is locked.
func checkUntouched(ctx context.Context, tx pgx.Tx) error {
	expected, ok := ctx.Value(untouchedKey{}).(audit.Record)
	if !ok {
		return nil
	}
	latest, err := latestRecord(ctx, tx, expected)
	if err == nil && latest.Seq != expected.Seq {
		return controlplane.Conflict("seq", "%s was changed in this moment, by record %d; look at it, and try again", latest.Object.Name, latest.Seq)
	}
	return err
}
