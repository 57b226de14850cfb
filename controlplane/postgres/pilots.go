package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// StartPilot tries limits on some of a tier's accounts.
func (db *DB) StartPilot(ctx context.Context, n controlplane.NewPilot) (controlplane.Tier, uint64, error) {
	return db.changeTier(ctx, "start pilot", n.TierID, n.Revision, func(tx pgx.Tx, tier controlplane.Tier, note *notes) error {
		if err := checkNoPilot(ctx, tx, tier.ID); err != nil {
			return err
		}
		limits, err := limitsToTry(ctx, tx, tier.ID, n.Limits)
		if err != nil {
			return err
		}
		version, err := sealedVersion(ctx, tx, tier.ID, limits, n.Name, controlplane.VersionPilot)
		if err != nil {
			return err
		}
		by := controlplane.ActorOf(ctx)
		var id controlplane.ID
		err = tx.QueryRow(ctx, `
			insert into pilots (tier_id, version_id, name, state, percent, starter_kind, starter_id, starter_name)
			values ($1, $2, $3, 'running', $4, $5, $6, $7) returning id`,
			tier.ID, version, n.Name, n.Percent, string(by.Kind), by.ID, by.Name).Scan(&id)
		if err != nil {
			return err
		}
		if err := listInPilot(ctx, tx, tier.ID, id, n.Accounts); err != nil {
			return err
		}
		started, err := readPilot(ctx, tx, id)
		if err != nil {
			return err
		}
		tried, err := limitsOfVersions(ctx, tx, []controlplane.ID{version})
		if err != nil {
			return err
		}
		reach, err := reachOfPilot(ctx, tx, controlplane.Pilot{}, started)
		if err != nil {
			return err
		}
		note.addOf(audit.Created(audit.StartPilot, audit.OfNewPilot(started, tried[version])), reach)
		return checkPlans(ctx, tx, "tierId")
	})
}

// ChangePilot changes who is in a pilot that runs.
func (db *DB) ChangePilot(ctx context.Context, e controlplane.PilotEdit) (controlplane.Tier, uint64, error) {
	return db.changeRunningPilot(ctx, "change pilot", audit.ChangePilot, e.ID, e.Revision, func(tx pgx.Tx, p controlplane.Pilot, _ *notes) error {
		if e.Percent != nil {
			if _, err := tx.Exec(ctx, `update pilots set percent = $2 where id = $1`, p.ID, *e.Percent); err != nil {
				return err
			}
		}
		if e.Accounts == nil {
			return nil
		}
		return listInPilot(ctx, tx, p.TierID, p.ID, *e.Accounts)
	})
}

// EndPilot ends a pilot: its accounts are on the versions that they would be on
// without it.
func (db *DB) EndPilot(ctx context.Context, id controlplane.ID, revision *int) (controlplane.Tier, uint64, error) {
	return db.changeRunningPilot(ctx, "end pilot", audit.EndPilot, id, revision, func(tx pgx.Tx, p controlplane.Pilot, _ *notes) error {
		return closePilot(ctx, tx, p.ID, controlplane.PilotEnded, 0)
	})
}

func closePilot(ctx context.Context, tx pgx.Tx, id controlplane.ID, state controlplane.PilotState, to controlplane.ID) error {
	by := controlplane.ActorOf(ctx)
	_, err := tx.Exec(ctx, `
		update pilots set state = $2, promoted_to = $3, ended_at = clock_timestamp(), ender_kind = $4, ender_id = $5, ender_name = $6
		where id = $1`, id, string(state), orNull(to), string(by.Kind), by.ID, by.Name)
	return err
}

// checkNoPilot refuses a second pilot of a tier.
func checkNoPilot(ctx context.Context, tx pgx.Tx, tier controlplane.ID) error {
	open, err := listPilots(ctx, tx, `where p.tier_id = $1 and p.state in ('running', 'promoting')`, tier)
	switch {
	case err != nil || len(open) == 0:
		return err
	case open[0].State == controlplane.PilotPromoting:
		return errPromoting
	}
	return controlplane.Conflict("tierId", "the pilot %q of this tier runs, and it has one at a time; end that one or promote it first", open[0].Name)
}

// limitsToTry returns the limits given, or the draft's.
func limitsToTry(ctx context.Context, tx pgx.Tx, tier controlplane.ID, given *[]controlplane.Limit) ([]controlplane.Limit, error) {
	var limits []controlplane.Limit
	if given != nil {
		limits = *given
	} else {
		draft, err := readDraft(ctx, tx, tier)
		if err != nil {
			return nil, err
		}
		if draft == nil {
			return nil, controlplane.NotFound("tierId", "draft of this tier; give limits, or save one first")
		}
		limits = draft.Limits
	}
	return limits, checkUses(ctx, tx, tier, limits)
}

// listInPilot puts a list of accounts in the place of that which a pilot has. One that
// was listed may have left the tier meanwhile.
func listInPilot(ctx context.Context, tx pgx.Tx, tier, pilot controlplane.ID, accounts []controlplane.ID) error {
	there, err := list[struct {
		ID    controlplane.ID
		There bool
	}](ctx, tx, `
		select id, tier_id is not distinct from $2 or exists (select from pilot_accounts l where l.pilot_id = $3 and l.account_id = a.id)
		from accounts a where id = any($1)`, toInt64s(accounts), tier, pilot)
	if err != nil {
		return err
	}
	on := make(map[controlplane.ID]bool, len(there))
	for _, a := range there {
		on[a.ID] = a.There
	}
	for i, id := range accounts {
		field := fmt.Sprintf("accountIds.%d", i)
		if on, ok := on[id]; !ok {
			return controlplane.NotFound(field, "account")
		} else if !on {
			return controlplane.Invalid(field, "this account is not on the tier itself; put it there first, or leave it out")
		}
	}
	if _, err := tx.Exec(ctx, `delete from pilot_accounts where pilot_id = $1`, pilot); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into pilot_accounts (pilot_id, account_id) select $1, unnest($2::bigint[])`, pilot, toInt64s(accounts))
	return err
}

// changeRunningPilot changes a pilot that runs, counts that as an edit of its tier, and
// returns the tier after that.
func (db *DB) changeRunningPilot(ctx context.Context, what string, action audit.Action, id controlplane.ID, revision *int, do func(pgx.Tx, controlplane.Pilot, *notes) error) (controlplane.Tier, uint64, error) {
	var tier controlplane.Tier
	version, err := db.changePolicy(ctx, func(tx pgx.Tx, note *notes) error {
		before, err := readPilot(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := tierToEdit(ctx, tx, "id", before.TierID, revision); err != nil {
			return err
		}
		if before.State != controlplane.PilotRunning {
			return controlplane.Conflict("id", "this pilot has ended; start another one")
		}
		if err := touchTier(ctx, tx, before.TierID, nil); err != nil {
			return err
		}
		ended, err := reachOfPilot(ctx, tx, before, controlplane.Pilot{})
		if err != nil {
			return err
		}
		if err := do(tx, before, note); err != nil {
			return err
		}
		after, err := readPilot(ctx, tx, id)
		if err != nil {
			return err
		}
		reach := ended
		if after.State == controlplane.PilotRunning {
			if reach, err = reachOfPilot(ctx, tx, before, after); err != nil {
				return err
			}
		}
		note.addOf(audit.Changed(action, audit.OfPilot(before), audit.OfPilot(after)), reach)
		tier, err = readTier(ctx, tx, before.TierID)
		return err
	})
	return tier, version, tierFault(what, err)
}
