package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// SaveTierDraft puts a draft in the place of a tier's, if it has one.
func (db *DB) SaveTierDraft(ctx context.Context, d controlplane.TierDraft) (controlplane.Tier, uint64, error) {
	return db.changeTier(ctx, "save tier draft", d.TierID, d.Revision, func(tx pgx.Tx, tier controlplane.Tier, note *notes) error {
		if err := checkUses(ctx, tx, tier.ID, d.Limits); err != nil {
			return err
		}
		before, err := readDraft(ctx, tx, tier.ID)
		if err != nil {
			return err
		}
		var id controlplane.ID
		by := controlplane.ActorOf(ctx)
		err = tx.QueryRow(ctx, `
			insert into tier_versions (tier_id, state, note, actor_kind, actor_id, actor_name) values ($1, 'draft', $2, $3, $4, $5)
			on conflict (tier_id) where state = 'draft' do update set note = excluded.note, created_at = now(),
				actor_kind = excluded.actor_kind, actor_id = excluded.actor_id, actor_name = excluded.actor_name returning id`,
			tier.ID, d.Note, string(by.Kind), by.ID, by.Name).Scan(&id)
		if err != nil {
			return err
		}
		if err := setLimits(ctx, tx, tier.ID, id, d.Limits); err != nil {
			return err
		}
		after, err := readDraft(ctx, tx, tier.ID)
		if err != nil {
			return err
		}
		entry := audit.Created(audit.SaveTierDraft, audit.OfVersion(*after, tier.Name))
		if before != nil {
			entry.Before = audit.OfVersion(*before, tier.Name).State
		}
		note.add(entry)
		return nil
	})
}

// DiscardTierDraft throws the draft of a tier away, if the tier is at a revision; nil is
// any.
func (db *DB) DiscardTierDraft(ctx context.Context, tier controlplane.ID, revision *int) (controlplane.Tier, uint64, error) {
	return db.changeTier(ctx, "discard tier draft", tier, revision, func(tx pgx.Tx, tier controlplane.Tier, note *notes) error {
		draft, err := readDraft(ctx, tx, tier.ID)
		if err != nil {
			return err
		}
		if draft == nil {
			return controlplane.NotFound("tierId", "draft of this tier")
		}
		note.add(audit.Deleted(audit.DiscardTierDraft, audit.OfVersion(*draft, tier.Name)))
		if _, err := tx.Exec(ctx, `delete from tier_versions where id = $1`, draft.ID); err != nil {
			return err
		}
		return dropUnused(ctx, tx, tier.ID)
	})
}

// PublishTier publishes a version of a tier, and begins to move accounts to it.
func (db *DB) PublishTier(ctx context.Context, p controlplane.Publication) (controlplane.Tier, uint64, error) {
	return db.changeTier(ctx, "publish tier", p.TierID, p.Revision, func(tx pgx.Tx, tier controlplane.Tier, note *notes) error {
		if err := checkNoMove(ctx, tx, tier.ID); err != nil {
			return err
		}
		id, err := publish(ctx, tx, tier, p)
		if err != nil {
			return err
		}
		versions, err := listVersions(ctx, tx, `select `+tierVersionColumns+` from tier_versions where id = $1`, id)
		if err != nil {
			return err
		}
		image := audit.OfVersion(versions[0], tier.Name)
		if err := checkUses(ctx, tx, tier.ID, versions[0].Limits); err != nil {
			return err
		}
		reach, err := reachOfPublication(ctx, tx, tier.ID, p.Move.When)
		if err != nil {
			return err
		}
		accounts, err := migrate(ctx, tx, tier.ID, id, p.Move)
		if err != nil {
			return err
		}
		image.State["move"], image.State["movedAccounts"] = audit.OfMigration(p.Move), accounts
		note.addOf(audit.Created(audit.PublishTier, image), reach)
		return checkPlans(ctx, tx, "tierId")
	})
}

// migrate puts whoever comes to a tier on its new version, and moves the accounts that
// are there, now or in time. It returns how many those are.
func migrate(ctx context.Context, tx pgx.Tx, tier, version controlplane.ID, m controlplane.Migration) (accounts int, err error) {
	if m.When == controlplane.MoveNow {
		return moveAllNow(ctx, tx, tier, version)
	}
	head, err := newHead(ctx, tx, tier, version)
	if err != nil {
		return 0, err
	}
	return beginMove(ctx, tx, tier, head, m)
}

// publish makes the version that p describes.
func publish(ctx context.Context, tx pgx.Tx, tier controlplane.Tier, p controlplane.Publication) (controlplane.ID, error) {
	if p.Limits != nil {
		return newVersion(ctx, tx, tier.ID, *p.Limits, p.Note)
	}
	if p.From == 0 {
		return publishDraft(ctx, tx, tier.ID, p.Note)
	}
	earlier, err := listVersions(ctx, tx, `select `+tierVersionColumns+` from tier_versions where tier_id = $1 and number = $2`, tier.ID, p.From)
	switch {
	case err != nil:
		return 0, err
	case len(earlier) == 0:
		return 0, controlplane.NotFound("fromVersion", "version of this tier")
	}
	if err := checkLimitTargets(ctx, tx, earlier[0].Limits); err != nil {
		return 0, err
	}
	return newVersion(ctx, tx, tier.ID, earlier[0].Limits, p.Note)
}

// checkLimitTargets refuses the limits of an earlier version that name what was deleted
// since, and says what that was.
func checkLimitTargets(ctx context.Context, tx pgx.Tx, limits []controlplane.Limit) error {
	missing, err := goneTargets(ctx, tx, limits)
	if err != nil || len(missing) == 0 {
		return err
	}
	return controlplane.Conflict("fromVersion", "that version can't come back as it was: %s; revert that deletion, or publish its limits without these or with others that they name",
		strings.Join(missing, ", and "))
}

// goneTargets says what limits name that was deleted since.
func goneTargets(ctx context.Context, tx pgx.Tx, limits []controlplane.Limit) (missing []string, err error) {
	for _, l := range limits {
		kind, id := controlplane.KindEndpoint, l.Endpoint
		if l.Group != 0 {
			kind, id = controlplane.KindGroup, l.Group
		}
		if id == 0 {
			continue
		}
		names, err := gone(ctx, tx, kind, id)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			missing = append(missing, fmt.Sprintf("its limit %s names %s, which was deleted", l.Name, name))
		}
	}
	return missing, nil
}

func publishDraft(ctx context.Context, tx pgx.Tx, tier controlplane.ID, note string) (id controlplane.ID, err error) {
	by := controlplane.ActorOf(ctx)
	err = tx.QueryRow(ctx, `
		update tier_versions set number = `+nextNumber+`, state = 'published', sealed = true, note = coalesce(nullif($2, ''), note),
			published_at = now(), actor_kind = $3, actor_id = $4, actor_name = $5
		where tier_id = $1 and state = 'draft' returning id`, tier, note, string(by.Kind), by.ID, by.Name).Scan(&id)
	return id, orMissing(err, controlplane.NotFound("tierId", "draft of this tier; give limits or fromVersion, or save one first"))
}

// newHead makes the cohort of those who come to a tier from now on.
func newHead(ctx context.Context, tx pgx.Tx, tier, version controlplane.ID) (id controlplane.ID, err error) {
	if _, err := tx.Exec(ctx, `update cohorts set head = false where tier_id = $1 and head`, tier); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `insert into cohorts (tier_id, version_id, head) values ($1, $2, true) returning id`, tier, version).Scan(&id)
	if err != nil {
		return 0, err
	}
	return id, dropEmpty(ctx, tx, tier)
}

// dropEmpty deletes the cohorts of a tier that nobody is in, was moved out of or into,
// or may come to.
func dropEmpty(ctx context.Context, tx pgx.Tx, tier controlplane.ID) error {
	_, err := tx.Exec(ctx, `
		delete from cohorts c where tier_id = $1 and not head
			and not exists (select from accounts where cohort_id = c.id)
			and not exists (select from account_moves where cohort_id = c.id or from_cohort = c.id)
			and not exists (select from tier_moves where cohort_id = c.id)
			and not exists (select from pilots where cohort_id = c.id)`, tier)
	return err
}

// CopyTier creates a tier with the limits of the current version of another.
func (db *DB) CopyTier(ctx context.Context, from controlplane.ID, name string) (controlplane.Tier, uint64, error) {
	var tier controlplane.Tier
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		original, err := tierToEdit(ctx, tx, "tierId", from, nil)
		if err != nil {
			return err
		}
		limits := original.Limits
		for i := range limits {
			limits[i].ID = 0
		}
		if tier, err = createTier(ctx, tx, name, limits); err != nil {
			return err
		}
		entry := audit.Created(audit.CopyTier, audit.OfTier(tier))
		entry.After["copyOf"] = controlplane.KindTier.Format(original.ID)
		note.add(entry)
		return nil
	})
	return tier, version, tierFault("copy tier", err)
}

// changeTier changes a tier, and returns it after that.
func (db *DB) changeTier(ctx context.Context, what string, id controlplane.ID, revision *int, do func(pgx.Tx, controlplane.Tier, *notes) error) (controlplane.Tier, uint64, error) {
	var tier controlplane.Tier
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := tierToEdit(ctx, tx, "tierId", id, revision)
		if err != nil {
			return err
		}
		if err := touchTier(ctx, tx, id, nil); err != nil {
			return err
		}
		if err := do(tx, before, note); err != nil {
			return err
		}
		tier, err = readTier(ctx, tx, id)
		return err
	})
	return tier, version, tierFault(what, err)
}

func readDraft(ctx context.Context, tx pgx.Tx, tier controlplane.ID) (*controlplane.TierVersion, error) {
	found, err := listVersions(ctx, tx, `select `+tierVersionColumns+` from tier_versions where tier_id = $1 and state = 'draft'`, tier)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// dropUnused deletes the limits of a tier that none of its versions has.
func dropUnused(ctx context.Context, tx pgx.Tx, tier controlplane.ID) error {
	_, err := tx.Exec(ctx, `
		delete from limits where tier_id = $1 and not exists (select from version_limits v where v.limit_id = limits.id)`, tier)
	return err
}
