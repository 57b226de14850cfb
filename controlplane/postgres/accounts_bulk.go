package postgres

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// bulkBatch is how many accounts one transaction changes: others who change the
// policy wait for so long.
const bulkBatch = 200

// maxOutcomes is how many accounts of each kind a report names.
const maxOutcomes = 100

// BulkEdit is one edit of many accounts.
type BulkEdit struct {
	Filter controlplane.AccountFilter
	Edit   controlplane.AccountEdit // its ID is ignored
	DryRun bool
	After  controlplane.ID // those with later ids only
	Most   int             // accounts to look at, at least 1
	Until  time.Time       // no batch begins later than that
}

// BulkReport is what became of a bulk edit.
type BulkReport struct {
	Matched, Changed, Unchanged, Failed int
	Faults                              []AccountOutcome
	Changes                             []AccountOutcome
	Last                                controlplane.ID // the last account that was looked at; 0: none
	More                                bool            // there are accounts after that
	Version                             uint64          // 0: nothing was changed
}

// AccountOutcome is an account after an edit, or why it can't be changed.
type AccountOutcome struct {
	Account controlplane.Account
	Fault   error
}

// ChangeAccounts makes one edit of many accounts, in transactions of some hundreds
// each. Accounts that can't be changed so stay as they are.
func (db *DB) ChangeAccounts(ctx context.Context, b BulkEdit) (BulkReport, error) {
	report := BulkReport{Last: b.After}
	if err := db.checkAccounts(ctx, b.Filter.IDs); err != nil {
		return report, accountFault("change accounts", err)
	}
	if err := db.checkBulk(ctx, b.Edit); err != nil {
		return report, accountFault("change accounts", err)
	}
	ids, err := db.accountsToChange(ctx, b)
	if err != nil {
		return report, fmt.Errorf("find accounts to change: %w", err)
	}
	beyond := len(ids) > b.Most
	for batch := range slices.Chunk(ids[:min(len(ids), b.Most)], bulkBatch) {
		if report.Matched > 0 && time.Now().After(b.Until) {
			report.More = true
			return report, nil
		}
		if err := db.changeBatch(ctx, b, batch, &report); err != nil {
			return report, accountFault("change accounts", err)
		}
		report.Last = controlplane.ID(batch[len(batch)-1])
	}
	report.More = beyond
	return report, nil
}

// checkAccounts refuses ids of which one is no account's: none is ever deleted.
func (db *DB) checkAccounts(ctx context.Context, ids []controlplane.ID) error {
	if len(ids) == 0 {
		return nil
	}
	missing, err := listIDs(ctx, db.pool, `
		select id from unnest($1::bigint[]) as asked (id) where not exists (select from accounts a where a.id = asked.id) limit 5`, toInt64s(ids))
	if err != nil || len(missing) == 0 {
		return err
	}
	var faults []error
	for _, id := range missing {
		faults = append(faults, controlplane.NotFound(fmt.Sprintf("ids.%d", slices.Index(ids, id)), "account "+controlplane.KindAccount.Format(id)))
	}
	return errors.Join(faults...)
}

// checkBulk refuses an edit that no account could take.
func (db *DB) checkBulk(ctx context.Context, e controlplane.AccountEdit) error {
	return db.inTx(ctx, func(tx pgx.Tx) error { return checkTiers(ctx, tx, e) })
}

// checkTiers refuses tiers of an edit that are not there, or not for accounts.
func checkTiers(ctx context.Context, tx pgx.Tx, e controlplane.AccountEdit) error {
	named := map[string]controlplane.ID{}
	if e.TierID != nil {
		named["tierId"] = *e.TierID
	}
	if e.Trial != nil {
		named["trial.tierId"] = e.Trial.TierID
	}
	for field, id := range named {
		if id == 0 {
			continue
		}
		tiers, err := listTiers(ctx, tx, `select `+tierColumns+` from tiers where id = $1`, id)
		if err != nil {
			return err
		}
		if len(tiers) == 0 {
			return controlplane.NotFound(field, "tier")
		}
		if err := controlplane.FitsAccounts(field, tiers[0].Limits); err != nil {
			return err
		}
	}
	return nil
}

// accountsToChange searches once for all batches: the accounts to look at, and one more
// if there is one.
func (db *DB) accountsToChange(ctx context.Context, b BulkEdit) ([]int64, error) {
	var c conditions
	c.filter(b.Filter)
	c.add(`id > ` + c.arg(b.After))
	rows, err := db.pool.Query(ctx, `select id from accounts`+c.where()+` order by id limit `+c.arg(b.Most+1), c.args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// errNothingChanged rolls a change of policy back that turned out to be none.
var errNothingChanged = errors.New("no account has changed")

func (db *DB) changeBatch(ctx context.Context, b BulkEdit, ids []int64, report *BulkReport) error {
	var part BulkReport
	work := func(tx pgx.Tx, note *notes) error {
		part = BulkReport{}
		accounts, err := listAccounts(ctx, tx, `where id = any($1) order by id`, ids)
		if err != nil {
			return err
		}
		return editAccounts(ctx, tx, note, b, accounts, &part)
	}
	var err error
	if b.DryRun {
		err = db.inTx(ctx, func(tx pgx.Tx) error { return work(tx, &notes{}) })
	} else {
		part.Version, err = db.changePolicy(ctx, work)
	}
	if err != nil && !errors.Is(err, errNothingChanged) {
		return err
	}
	if err == nil && !b.DryRun {
		report.Version = part.Version
	}
	report.Matched += part.Matched
	report.Changed += part.Changed
	report.Unchanged += part.Unchanged
	report.Failed += part.Failed
	report.Faults = firstOf(append(report.Faults, part.Faults...))
	report.Changes = firstOf(append(report.Changes, part.Changes...))
	return nil
}

func firstOf(outcomes []AccountOutcome) []AccountOutcome {
	return outcomes[:min(len(outcomes), maxOutcomes)]
}

// editAccounts applies an edit to accounts, and stores those that it changes.
func editAccounts(ctx context.Context, tx pgx.Tx, note *notes, b BulkEdit, accounts []controlplane.Account, report *BulkReport) error {
	defaults, err := readDefaults(ctx, tx)
	if err != nil {
		return err
	}
	now := time.Now()
	var changes []accountChange
	for _, before := range accounts {
		report.Matched++
		b.Edit.ID = before.ID
		after, err := b.Edit.Apply(before, now)
		if after.OnDefaultTier {
			after.TierID = defaults.TierID
		}
		switch {
		case err != nil && controlplane.Faults(err) == nil:
			return err
		case err != nil:
			report.Failed++
			report.Faults = append(report.Faults, AccountOutcome{before, err})
		case reflect.DeepEqual(before, after):
			report.Unchanged++
		default:
			report.Changed++
			changes = append(changes, accountChange{before, after})
		}
	}
	switch {
	case b.DryRun:
	case len(changes) == 0:
		return errNothingChanged
	default:
		if err := storeChanges(ctx, tx, note, audit.UpdateAccount, changes); err != nil {
			return err
		}
	}
	for _, c := range changes {
		report.Changes = append(report.Changes, AccountOutcome{c.after, nil})
	}
	return nil
}
