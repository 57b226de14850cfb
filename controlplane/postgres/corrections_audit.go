package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// entries are what the audit log says of the fresh corrections: of adjustments and
// voids each one, of imports how many there are and which.
func (c *correcting) entries(ctx context.Context, tx pgx.Tx) ([]audit.Entry, error) {
	var entries []audit.Entry
	var imported []*controlplane.Correction
	var keys []int64
	for _, i := range c.fresh {
		keys = append(keys, int64(c.results[i].KeyID))
	}
	identities, err := identitiesAmong(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	for _, i := range c.fresh {
		made := &c.results[i].Correction
		action := audit.AdjustUsage
		switch made.Kind {
		case controlplane.KindImport:
			imported = append(imported, made)
			continue
		case controlplane.KindVoid:
			action = audit.VoidUsage
		}
		caller := controlplane.KindKey
		if identities[made.KeyID] {
			caller = controlplane.KindIdentity
		}
		entries = append(entries, audit.Created(action, audit.OfCorrection(*made, caller)))
	}
	if len(imported) > 0 {
		entries = append(entries, audit.Created(audit.ImportUsage, audit.OfImport(imported)))
	}
	return entries, nil
}

// identitiesAmong says which of the ids, of keys and identities, are identities'.
func identitiesAmong(ctx context.Context, tx pgx.Tx, ids []int64) (map[controlplane.ID]bool, error) {
	rows, err := tx.Query(ctx, `select id from identities where id = any($1)`, ids)
	if err != nil {
		return nil, err
	}
	found := map[controlplane.ID]bool{}
	var id controlplane.ID
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error { found[id] = true; return nil })
	return found, err
}
