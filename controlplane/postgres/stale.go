package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// stale is the conflict of an edit that is based on an earlier revision of an object
// than the one it is at now. It tells what has changed in between, as far as the audit
// log knows that revision, and who was the last to change it, or another of its parts.
func stale(ctx context.Context, q querier, now audit.Image, based, revision int, parts ...string) error {
	conflict := controlplane.Conflict("revision", "somebody else changed this: it is at revision %d, and your edit is based on %d; read it again", revision, based)
	conflict.Revision = revision
	was, err := stateAt(ctx, q, now.Object, based)
	if err != nil {
		return fmt.Errorf("read revision %d: %w", based, err)
	}
	if based == 0 {
		was = absent(now.State)
	}
	if conflict.Changed, err = fieldChanges(was, now.State); err != nil {
		return fmt.Errorf("compare revisions %d and %d: %w", based, revision, err)
	}
	last, err := listRecords(ctx, q, `select `+auditColumns+` from audit_records
		where `+isOf(now.Object)+` and (after -> 'revision') is not null and (before -> 'revision') is distinct from (after -> 'revision')
			or object_id = any($3) and object_id <> ''
		order by seq desc limit 1`, string(now.Object.Kind), now.Object.ID, parts)
	if err != nil {
		return fmt.Errorf("read who was the last to change it: %w", err)
	}
	if len(last) > 0 {
		conflict.ChangedBy, conflict.ChangedAt = last[0].Actor.Name, last[0].At
	}
	return conflict
}

// isOf is the condition that a record is of an object of kind $1 and id $2. It says
// outright which of the indexes there is for it.
func isOf(object audit.Object) string {
	if object.ID == "" {
		return `object_kind = $1 and object_id = $2 and object_id = ''`
	}
	return `object_kind = $1 and object_id = $2 and object_id <> ''`
}

// maxFolded bounds how many records of an object are put together to one revision.
const maxFolded = 50

// stateAt returns what an object was like at a revision, or nil where the audit log
// doesn't know: some records tell only a part of it, so several are put together.
func stateAt(ctx context.Context, q querier, object audit.Object, revision int) (map[string]json.RawMessage, error) {
	records, err := listRecords(ctx, q, `select `+auditColumns+` from audit_records
		where `+isOf(object)+` and least((before ->> 'revision')::bigint, (after ->> 'revision')::bigint) <= $3
		order by seq desc limit $4`, string(object.Kind), object.ID, revision, maxFolded)
	if err != nil {
		return nil, err
	}
	state, at := map[string]json.RawMessage{}, 0
	for _, r := range slices.Backward(records) {
		for _, side := range []json.RawMessage{r.Before, r.After} {
			var part map[string]json.RawMessage
			var told struct{ Revision int }
			if side == nil {
				continue
			}
			if err := json.Unmarshal(side, &part); err != nil {
				return nil, err
			}
			if err := json.Unmarshal(side, &told); err != nil {
				return nil, err
			}
			if told.Revision <= revision {
				maps.Copy(state, part)
				at = told.Revision
			}
		}
	}
	if at != revision {
		return nil, nil
	}
	return state, nil
}

// absent is what an object was like before it was there: nothing of what it has now.
// Revisions begin with 1.
func absent(now audit.State) map[string]json.RawMessage {
	was := map[string]json.RawMessage{}
	for name := range now {
		was[name] = json.RawMessage("null")
	}
	return was
}

// fieldChanges returns the differences between what an object was like, nil where that
// isn't known, and what it is like now.
func fieldChanges(was map[string]json.RawMessage, now audit.State) ([]controlplane.FieldChange, error) {
	if was == nil {
		return nil, nil
	}
	var between audit.Record
	var err error
	is := audit.State{} // what both tell: records are of several forms
	for name := range was {
		if v, ok := now[name]; ok {
			is[name] = v
		} else {
			delete(was, name)
		}
	}
	if between.Before, err = json.Marshal(was); err != nil {
		return nil, err
	}
	if between.After, err = json.Marshal(is); err != nil {
		return nil, err
	}
	changes, err := between.Changes()
	if err != nil {
		return nil, err
	}
	found := make([]controlplane.FieldChange, len(changes))
	for i, c := range changes {
		found[i] = controlplane.FieldChange(c)
	}
	return found, nil
}
