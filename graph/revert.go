package graph

import (
	"context"
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
	latest, err := r.DB.LatestRecord(ctx, record)
	if err != nil {
		return err
	}
	if !force {
		if err := unchangedSince(&record, &latest); err != nil {
			return err
		}
		if record.Action == audit.DeleteOverride {
			if err := r.nothingInPlace(ctx, back); err != nil {
				return err
			}
		}
	}
	return r.carry(postgres.IfLatest(ctx, latest), back.Field, back.Input)
}

// unchangedSince refuses what was changed after a record in another way than back and
// forth.
func unchangedSince(record, latest *audit.Record) error {
	paths, whole, err := record.ChangedSince(latest)
	switch {
	case err != nil:
		return err
	case whole && latest.After == nil:
		return controlplane.Conflict("seq", "it was deleted since, by record %d", latest.Seq)
	case whole:
		return controlplane.Conflict("seq", "it was made anew since, by record %d", latest.Seq)
	case len(paths) > maxNamed:
		paths = append(paths[:maxNamed], "and more")
	}
	if len(paths) > 0 {
		return controlplane.Conflict("seq", "it has changed since, last by record %d: %s; look at it, or revert it all the same with force", latest.Seq, strings.Join(paths, ", "))
	}
	return nil
}

// nothingInPlace refuses to set an override anew where there is another one by now.
func (r *Resolver) nothingInPlace(ctx context.Context, back audit.Reversal) error {
	in, ok := back.Input.(map[string]any)
	if !ok {
		return nil
	}
	named, _ := in["accountId"].(string)
	account, err := controlplane.KindAccount.Parse("accountId", named)
	if err != nil {
		return err
	}
	overrides, err := r.DB.OverridesByAccount(ctx, []controlplane.ID{account})
	if err != nil {
		return err
	}
	for _, o := range overrides {
		if controlplane.KindLimit.Format(o.LimitID) == in["limitId"] {
			return controlplane.Conflict("seq", "the limit has another override by now; look at it, or revert it all the same with force")
		}
	}
	return nil
}
