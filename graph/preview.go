package graph

import (
	"context"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/preview"
	"github.com/weirhq/weir/graph/model"
)

// Bounds of what a preview lists.
const maxPreviewed = 500

// previewOf reads what is asked for. It takes the right to read policy, too.
func previewOf(ctx context.Context, in model.PreviewInput) (q postgres.PreviewQuestion, err error) {
	if !permit.Held(ctx).Has(permit.PolicyRead) {
		return q, controlplane.Forbidden(string(permit.PolicyRead))
	}
	if q.TierID, err = optional(controlplane.KindTier, "tierId", in.TierID); err != nil {
		return q, err
	}
	if len(in.AccountIds) > controlplane.MaxIDs {
		return q, controlplane.Invalid("accountIds", "give at most %d ids", controlplane.MaxIDs)
	}
	if q.Accounts, err = idsOf(controlplane.KindAccount, "accountIds", in.AccountIds); err != nil {
		return q, err
	}
	if q.Limits, err = limitsOf(in.Limits); err != nil {
		return q, err
	}
	if q.VersionID, err = optional(controlplane.KindVersion, "versionId", in.VersionID); err != nil {
		return q, err
	}
	switch {
	case q.VersionID != 0 && q.Limits != nil:
		return q, controlplane.Invalid("versionId", "give limits or a version that has them, not both")
	case q.TierID == 0 && q.VersionID == 0 && len(q.Accounts) == 0:
		return q, controlplane.Invalid("tierId", "say whose usage is played: give a tier, a version of one, or accountIds")
	case q.TierID == 0 && q.VersionID == 0 && q.Limits == nil:
		return q, controlplane.Invalid("limits", "say which limits are played: give them, or a tier or version that has some")
	case in.First < 1 || in.First > maxPreviewed:
		return q, controlplane.Invalid("first", "give a number from 1 to %d", maxPreviewed)
	}
	if err := controlplane.ValidateTier(nil, q.Limits); err != nil {
		return q, err
	}
	if q.Limits != nil {
		if err := controlplane.FitsAccounts("limits", *q.Limits); err != nil {
			return q, err
		}
	}
	q.Range, err = controlplane.BucketRange(in.From, until(ctx, in.To), controlplane.ByMinute)
	if err == nil && q.To.Sub(q.From) > preview.MaxDays*24*time.Hour {
		err = controlplane.Invalid("from", "give a range of at most %d days", preview.MaxDays)
	}
	return q, err
}

func previewFrom(r *preview.Report, first int) *model.Preview {
	return &model.Preview{
		From: r.From, To: r.To, Total: &r.Total, AccountCount: len(r.Accounts), Surely: r.Surely, Possibly: r.Possibly,
		SurelyToday: r.SurelyToday, PossiblyToday: r.PossiblyToday,
		Accounts: pointers(r.Accounts[:min(first, len(r.Accounts))]), Limits: pointers(r.Limits), PointMinutes: r.PointMinutes, Points: pointers(r.Points),
	}
}
