package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// stale is the conflict of an edit that is based on an earlier revision of an object
// than the one it is at now. It tells what has changed in between, as far as the audit
// log knows that revision, and who was the last to change it, or another of its parts.
func stale(ctx context.Context, q querier, now audit.Image, based, revision int, parts ...string) error {
	conflict := controlplane.Conflict("revision", "somebody else changed this: it is at revision %d, and your edit is based on %d; read it again", revision, based)
	records, err := listRecords(ctx, q, `select `+auditColumns+` from audit_records
		where object_kind = $1 and object_id = $2 and $3 in ((before ->> 'revision')::bigint, (after ->> 'revision')::bigint) order by seq limit 1`,
		string(now.Object.Kind), now.Object.ID, based)
	if err != nil {
		return fmt.Errorf("read revision %d: %w", based, err)
	}
	if len(records) == 0 {
		return conflict
	}
	between := audit.Record{Before: records[0].Before, After: records[0].After}
	var was struct{ Revision int }
	if err := json.Unmarshal(between.After, &was); err != nil {
		return fmt.Errorf("read revision %d: %w", based, err)
	}
	if was.Revision == based {
		between.Before = between.After
	}
	if between.After, err = json.Marshal(now.State); err != nil {
		return fmt.Errorf("write revision %d: %w", revision, err)
	}
	changes, err := between.Changes()
	if err != nil {
		return fmt.Errorf("compare revisions %d and %d: %w", based, revision, err)
	}
	for _, c := range changes {
		conflict.Changed = append(conflict.Changed, controlplane.FieldChange(c))
	}
	last, err := listRecords(ctx, q, `select `+auditColumns+` from audit_records 
		where object_kind = $1 and object_id = $2 or object_id = any($3) order by seq desc limit 1`, string(now.Object.Kind), now.Object.ID, parts)
	if err != nil {
		return fmt.Errorf("read who was the last to change it: %w", err)
	}
	if len(last) > 0 {
		conflict.ChangedBy, conflict.ChangedAt = last[0].Actor.Name, last[0].At
	}
	return conflict
}
