package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/preview"
	"github.com/weirhq/weir/controlplane/quota"
	"github.com/weirhq/weir/controlplane/zone"
)

// PreviewQuestion asks what limits would have done to usage.
type PreviewQuestion struct {
	TierID    controlplane.ID       // whose accounts; 0: of the version, when no accounts are named
	Limits    *[]controlplane.Limit // nil: those of the version
	VersionID controlplane.ID       // 0: the tier's current one
	Accounts  []controlplane.ID     // of the tier, or of any when there is no tier; none: all of it
	controlplane.Range
}

// Preview plays limits on what is stored of usage by the minute. A question that is
// too large is a mistake of the caller's, and the error says what to narrow.
func (db *DB) Preview(ctx context.Context, q PreviewQuestion) (*preview.Report, error) {
	var report *preview.Report
	err := db.snapshot(ctx, func(tx pgx.Tx) error {
		kept, err := keptForReplay(ctx, tx, q.From)
		if err != nil {
			return err
		}
		limits, err := limitsToPreview(ctx, tx, &q)
		if err != nil {
			return err
		}
		accounts, err := accountsToPreview(ctx, tx, q)
		if err != nil {
			return err
		}
		endpoints, err := endpointsToPreview(ctx, tx)
		if err != nil {
			return err
		}
		today, err := limitsToday(ctx, tx, accounts)
		if err != nil {
			return err
		}
		replay := preview.New(q.Range, limits, today, endpoints, accounts)
		if err := beginQuotas(ctx, tx, q.Range, kept, accounts, replay); err != nil {
			return err
		}
		if err := replayUsage(ctx, tx, q.Range, accounts, replay); err != nil {
			return err
		}
		report = replay.Report()
		return nil
	})
	if err != nil && controlplane.Faults(err) == nil {
		return nil, fmt.Errorf("preview limits: %w", previewTooLarge(err))
	}
	return report, err
}

// previewTooLarge turns the error of a question that took too long into the caller's
// mistake.
func previewTooLarge(err error) error {
	if errors.Is(tooLarge(err), err) {
		return err
	}
	return errPreviewTooLarge
}

var errPreviewTooLarge = controlplane.Invalid("from", "there is too much usage in this range, and in the periods of quotas that it begins in, to play it all; shorten it, or give fewer accounts")

// keptForReplay returns from when on rollups are kept: that by the minute, from `from`.
func keptForReplay(ctx context.Context, q querier, from time.Time) (explore.Kept, error) {
	kept, err := keptOf(ctx, q)
	if first := kept[controlplane.ByMinute]; err == nil && from.Before(first) {
		err = controlplane.Invalid("from", "usage by the minute is kept from %s on; begin there or later", first.Format(time.RFC3339))
	}
	return kept, err
}

// limitsToPreview returns the limits, and names the tier of a version that is played
// on all of it.
func limitsToPreview(ctx context.Context, q querier, question *PreviewQuestion) ([]controlplane.Limit, error) {
	if question.Limits != nil {
		return *question.Limits, nil
	}
	if question.VersionID == 0 {
		tier, err := readTier(ctx, q, question.TierID)
		if controlplane.Faults(err) != nil {
			return nil, controlplane.NotFound("tierId", "tier")
		}
		return tier.Limits, err
	}
	versions, err := listVersions(ctx, q, `select `+tierVersionColumns+` from tier_versions where id = $1 and exists (select from tiers where id = tier_id)`, question.VersionID)
	if err != nil {
		return nil, err
	}
	if len(versions) == 0 {
		return nil, controlplane.NotFound("versionId", "version")
	}
	if question.TierID == 0 && len(question.Accounts) == 0 {
		question.TierID = versions[0].TierID
	}
	return versions[0].Limits, controlplane.FitsAccounts("versionId", versions[0].Limits)
}

// limitsToday returns the limits of the versions that accounts are on.
func limitsToday(ctx context.Context, q querier, accounts []preview.Account) (map[controlplane.ID][]controlplane.Limit, error) {
	var versions []controlplane.ID
	seen := map[controlplane.ID]bool{}
	for _, a := range accounts {
		if !seen[a.Version] {
			seen[a.Version] = true
			versions = append(versions, a.Version)
		}
	}
	return limitsOfVersions(ctx, q, versions)
}

// accountsToPreview returns the accounts, closed ones aside, whose requests are refused
// whatever the limits, with the versions that they are on and their
// overrides that are in force.
func accountsToPreview(ctx context.Context, q querier, question PreviewQuestion) ([]preview.Account, error) {
	rows, err := list[struct {
		ID         controlplane.ID
		TimeZone   string
		BillingDay int
		VersionID  controlplane.ID
	}](ctx, q, `
		select a.id, a.time_zone, a.billing_day, v.version_id from accounts a join account_versions v on v.account_id = a.id
		where ($1 = 0 or v.tier_id = $1) and ($2 or a.id = any($3)) and a.status <> 'closed'
		order by a.id limit $4`,
		question.TierID, len(question.Accounts) == 0, toInt64s(question.Accounts), preview.MaxAccounts+1)
	if err != nil {
		return nil, err
	}
	if len(rows) > preview.MaxAccounts {
		return nil, controlplane.Invalid("accountIds", "there are more than %d accounts; say which are of interest", preview.MaxAccounts)
	}
	accounts := make([]preview.Account, len(rows))
	at := make(map[controlplane.ID]*preview.Account, len(rows))
	ids := make([]controlplane.ID, len(rows))
	var zones zone.Cache
	for i, r := range rows {
		accounts[i] = preview.Account{ID: r.ID, Calendar: quota.Calendar{Zone: zones.OrUTC(r.TimeZone), BillingDay: r.BillingDay}, Version: r.VersionID}
		at[r.ID], ids[i] = &accounts[i], r.ID
	}
	overrides, err := list[controlplane.Override](ctx, q, `
		select `+overrideColumns+` from overrides where account_id = any($1) and not ended`, toInt64s(ids))
	if err != nil {
		return nil, err
	}
	for _, o := range overrides {
		a := at[o.AccountID]
		if a.Overrides == nil {
			a.Overrides = map[controlplane.ID]controlplane.Override{}
		}
		a.Overrides[o.LimitID] = o
	}
	return accounts, nil
}

func endpointsToPreview(ctx context.Context, q querier) (map[controlplane.ID]preview.Endpoint, error) {
	rows, err := list[controlplane.Endpoint](ctx, q, `select `+endpointColumns+` from endpoints`)
	endpoints := make(map[controlplane.ID]preview.Endpoint, len(rows))
	for _, e := range rows {
		endpoints[e.ID] = preview.Endpoint{Method: e.Method, Group: e.GroupID}
	}
	return endpoints, err
}
