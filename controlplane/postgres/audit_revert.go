package postgres

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
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

// Present is what the object of a record is like now.
type Present struct {
	Object audit.Object
	State  audit.State // nil: it is gone
	// Last is the newest record of the object or of what it is made of, if any is newer
	// than the record; 0: none is known.
	Last int64
}

// Present returns what the object of a record is like now. Its log alone doesn't tell:
// imports, publications and deletions of other things change it, too.
func (db *DB) Present(ctx context.Context, of audit.Record) (Present, error) {
	now := Present{Object: of.Object}
	err := db.snapshot(ctx, func(tx pgx.Tx) (err error) {
		if now.State, err = stateOf(ctx, tx, of.Object); err != nil {
			return err
		}
		now.Last, err = lastChange(ctx, tx, of)
		return err
	})
	if err != nil {
		return now, fmt.Errorf("read the object of an audit record: %w", err)
	}
	return now, nil
}

// stateOf returns what an object is like, as the log has it; nil when it is gone, or of
// a kind that nothing is put back of.
func stateOf(ctx context.Context, tx pgx.Tx, object audit.Object) (audit.State, error) {
	switch object.Kind {
	case audit.Defaults:
		d, err := readDefaults(ctx, tx)
		return audit.OfDefaults(d).State, err
	case audit.Retention:
		r, err := readRetention(ctx, tx)
		return audit.OfRetention(r.Days(), r.Revision).State, err
	}
	read, ok := readers[object.Kind]
	if !ok {
		return nil, nil
	}
	id, err := read.kind.Parse("id", object.ID)
	if err != nil {
		return nil, err
	}
	image, err := read.image(ctx, tx, id)
	switch fault := (*controlplane.Error)(nil); {
	case errors.Is(err, pgx.ErrNoRows), errors.As(err, &fault):
		return nil, nil
	}
	return image.State, err
}

// readers read one object of a kind that has ids.
var readers = map[audit.ObjectKind]struct {
	kind  controlplane.Kind
	image func(context.Context, pgx.Tx, controlplane.ID) (audit.Image, error)
}{
	audit.Tier: {controlplane.KindTier, func(ctx context.Context, tx pgx.Tx, id controlplane.ID) (audit.Image, error) {
		tier, err := readTier(ctx, tx, id)
		return audit.OfTier(tier), err
	}},
	audit.Account: {controlplane.KindAccount, func(ctx context.Context, tx pgx.Tx, id controlplane.ID) (audit.Image, error) {
		account, err := readAccount(ctx, tx, "id", id)
		return audit.OfAccount(account), err
	}},
	audit.Override: {controlplane.KindOverride, func(ctx context.Context, tx pgx.Tx, id controlplane.ID) (audit.Image, error) {
		found, err := namedOverrides(ctx, tx, `o.id = $1 and not o.ended`, id)
		if err != nil || len(found) == 0 {
			return audit.Image{}, cmp.Or(err, pgx.ErrNoRows)
		}
		return found[0].image, nil
	}},
	audit.Identity: {controlplane.KindIdentity, func(ctx context.Context, tx pgx.Tx, id controlplane.ID) (audit.Image, error) {
		identity, err := one[controlplane.Identity](ctx, tx, `select `+identityColumns+` from identities where id = $1`, id)
		return audit.OfIdentity(identity), err
	}},
	audit.Key: {controlplane.KindKey, func(ctx context.Context, tx pgx.Tx, id controlplane.ID) (audit.Image, error) {
		key, err := one[controlplane.Key](ctx, tx, `select `+keyColumns+` from keys where id = $1`, id)
		return audit.OfKey(key), err
	}},
	audit.Endpoint: {controlplane.KindEndpoint, func(ctx context.Context, tx pgx.Tx, id controlplane.ID) (audit.Image, error) {
		endpoint, err := one[controlplane.Endpoint](ctx, tx, `select `+endpointColumns+` from endpoints where id = $1`, id)
		return audit.OfEndpoint(endpoint), err
	}},
	audit.EndpointGroup: {controlplane.KindGroup, groupImage},
	audit.Meter: {controlplane.KindMeter, func(ctx context.Context, tx pgx.Tx, id controlplane.ID) (audit.Image, error) {
		meter, err := one[controlplane.Meter](ctx, tx, `select `+meterColumns+` from meters where id = $1`, id)
		return audit.OfMeter(meter), err
	}},
}

// lastChange returns the newest record of the object of a record, or of the import,
// group or version that it was changed with, if that is newer.
func lastChange(ctx context.Context, tx pgx.Tx, of audit.Record) (int64, error) {
	if of.Object.ID == "" {
		last, err := one[struct{ Seq int64 }](ctx, tx, `
			select coalesce(max(seq), 0) from audit_records where object_kind = $1 and object_id = '' and seq > $2`, string(of.Object.Kind), of.Seq)
		return last.Seq, err
	}
	parts := []string{of.Object.ID}
	add := func(kind controlplane.Kind, sql string) error {
		ids, err := list[struct{ ID controlplane.ID }](ctx, tx, sql, of.Object.ID)
		for _, i := range ids {
			parts = append(parts, kind.Format(i.ID))
		}
		return err
	}
	var err error
	switch of.Object.Kind {
	case audit.Tier:
		err = add(controlplane.KindVersion, `select id from tier_versions where $1 = 'tier_' || tier_id and number is not null order by number desc limit 20`)
	case audit.Endpoint:
		var was struct{ GroupID string }
		if of.After != nil {
			err = json.Unmarshal(of.After, &was)
		}
		parts = append(parts, was.GroupID)
		if err == nil {
			err = add(controlplane.KindSource, `select source_id from endpoints where $1 = 'end_' || id and source_id is not null`)
		}
	}
	if err != nil {
		return 0, err
	}
	last, err := one[struct{ Seq int64 }](ctx, tx, `
		select coalesce(max(seq), 0) from audit_records where object_id = any($1) and object_id <> '' and seq > $2`, parts, of.Seq)
	return last.Seq, err
}

type unchangedKey struct{}

// IfUnchanged returns a context in which the first change is made only as long as an
// object is as it was; else it fails with CONFLICT.
func IfUnchanged(ctx context.Context, was Present) context.Context {
	return context.WithValue(ctx, unchangedKey{}, was)
}

// checkUnchanged keeps the promise of IfUnchanged, when whoever else changes something
// waits already.
func checkUnchanged(ctx context.Context, tx pgx.Tx) error {
	was, ok := ctx.Value(unchangedKey{}).(Present)
	if !ok {
		return nil
	}
	now, err := stateOf(ctx, tx, was.Object)
	if err != nil {
		return err
	}
	before, err := json.Marshal(was.State)
	if err != nil {
		return err
	}
	after, err := json.Marshal(now)
	if err != nil {
		return err
	}
	if !bytes.Equal(before, after) {
		return controlplane.Conflict("seq", "%s was changed in this moment; look at it, and try again", was.Object.Name)
	}
	return nil
}
