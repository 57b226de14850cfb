package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

type trialRow struct {
	endsAt *time.Time
	then   *controlplane.TrialEnd
	tier   *controlplane.ID
}

func trialColumns(t *controlplane.Trial) trialRow {
	if t == nil {
		return trialRow{}
	}
	return trialRow{&t.EndsAt, &t.Then, orNull(t.TierID)}
}

// errNoTrialEnded rolls a change of policy back that turned out to be none.
var errNoTrialEnded = errors.New("no trial has ended")

// maxTrialEnds is how many trials one transaction ends.
const maxTrialEnds = 500

// EndTrials hands the accounts over whose trial has ended, as was chosen for each,
// and with that raises the policy's version: once, however many processes call this
// at a time, and late when none could call it in time. When there is none, it
// changes nothing. It ends at most some hundreds; call it until PolicyState has none.
// An account that can't be handed over holds up no other, and is told of.
func (db *DB) EndTrials(ctx context.Context) error {
	due, err := db.endTrials(ctx, 0)
	if err == nil || ctx.Err() != nil {
		return err
	}
	var faults []error
	for _, a := range due {
		_, err := db.endTrials(ctx, a.ID)
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// endTrials hands some accounts over whose trial has ended, or only one, and returns
// which it was about to.
func (db *DB) endTrials(ctx context.Context, only controlplane.ID) (due []controlplane.Account, err error) {
	_, err = db.changePolicy(ctx, func(tx pgx.Tx, note *notes) (err error) {
		// clock_timestamp, not now(): the transaction may have begun before the
		// moment that whoever calls has waited for.
		due, err = listAccounts(ctx, tx, `where status = 'trial' and trial_ends_at <= clock_timestamp() and ($2::bigint = 0 or id = $2)
			order by trial_ends_at, id limit $1`, maxTrialEnds, only)
		if err != nil {
			return err
		}
		if len(due) == 0 {
			return errNoTrialEnded
		}
		for _, a := range due {
			if _, err := editAccount(ctx, tx, note, audit.EndTrial, a.Trial.HandOver(a.ID)); err != nil {
				return fmt.Errorf("account %d: %w", a.ID, err)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errNoTrialEnded) {
		return due, fmt.Errorf("end trials: %w", err)
	}
	return due, nil
}
