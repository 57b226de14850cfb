package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
)

// maxNamed is how many differences an error names.
const maxNamed = 8

// revert puts the object of a record back to what it was before that.
func (r *Resolver) revert(ctx context.Context, seq int64, force bool) error {
	record, err := r.DB.AuditRecord(ctx, seq)
	if err != nil {
		return err
	}
	back, err := record.Reversal()
	if err != nil {
		return controlplane.Conflict("seq", "this can't be reverted: %s", err)
	}
	if record.Action == audit.PublishTier {
		if err := mayChange(ctx, back.Field); err != nil {
			return err
		}
		_, err := r.DB.RevertPublication(ctx, record, force)
		return err
	}
	present, err := r.DB.Present(ctx, record)
	if err != nil {
		return err
	}
	if record.After == nil {
		return r.bringBack(ctx, record, back, present, force)
	}
	if !force {
		if err := unchangedSince(&record, present); err != nil {
			return err
		}
	}
	return r.carry(postgres.IfUnchanged(ctx, present), back.Field, back.Input)
}

// revertPreview says what reverting a record would do; empty: it can't be reverted.
func (r *Resolver) revertPreview(ctx context.Context, record *audit.Record) (string, error) {
	if _, err := record.Reversal(); err != nil {
		return "", nil
	}
	name := cmp.Or(record.Object.Name, "It")
	switch {
	case record.Action == audit.PublishTier:
		text, err := r.DB.PreviewPublicationRevert(ctx, *record)
		if faults := controlplane.Faults(err); len(faults) > 0 {
			return "Not now: " + faults[0].Message + ".", nil
		}
		return text, err
	case record.After == nil:
		return name + " comes back, with its id.", nil
	case record.Before == nil:
		return name + " is taken away again.", nil
	}
	changes, err := record.Changes()
	if err != nil || len(changes) == 0 {
		return name + " is put back to what it was.", err
	}
	paths := make([]string, 0, maxNamed+1)
	for _, c := range changes[:min(len(changes), maxNamed)] {
		paths = append(paths, c.Path)
	}
	if len(changes) > maxNamed {
		paths = append(paths, "and more")
	}
	return fmt.Sprintf("%s is put back to what it was in: %s.", name, strings.Join(paths, ", ")), nil
}

// bringBack makes what a record is the deletion of again, with the id that it had.
func (r *Resolver) bringBack(ctx context.Context, deletion audit.Record, back audit.Reversal, present postgres.Present, force bool) error {
	if present.State != nil {
		return controlplane.Conflict("seq", "it is there again%s", lastBy(present))
	}
	err := r.carry(postgres.Restoring(postgres.IfUnchanged(ctx, present), deletion, force), back.Field, back.Input)
	var faults []error
	for _, f := range controlplane.Faults(err) {
		switch f.Code {
		case controlplane.CodeValidation, controlplane.CodeNotFound, controlplane.CodeConflict:
			f = controlplane.Conflict("seq", "%s can't come back as it was: %s", deletion.Object.Name, f.Message)
		}
		faults = append(faults, f)
	}
	if faults == nil {
		return err
	}
	return errors.Join(faults...)
}

func lastBy(present postgres.Present) string {
	if present.Last == 0 {
		return ""
	}
	return fmt.Sprintf(", last changed by record %d", present.Last)
}

// unchangedSince refuses what was changed after a record in another way than back and
// forth, by whatever record that was.
func unchangedSince(record *audit.Record, present postgres.Present) error {
	by := ""
	if present.Last != 0 {
		by = fmt.Sprintf(", last by record %d", present.Last)
	}
	if present.State == nil {
		return controlplane.Conflict("seq", "it was deleted since%s", by)
	}
	paths, err := record.ChangedSince(present.State)
	if err != nil {
		return err
	}
	if len(paths) > maxNamed {
		paths = append(paths[:maxNamed], "and more")
	}
	if len(paths) > 0 {
		return controlplane.Conflict("seq", "it has changed since%s: %s; look at it, or revert it all the same with force", by, strings.Join(paths, ", "))
	}
	return nil
}
