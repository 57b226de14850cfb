package graph

import (
	"errors"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/graph/model"
)

// Bounds of one changeAccounts.
const (
	maxBulk    = 10_000
	bulkWithin = 10 * time.Second // the last batch begins by then
)

func bulkEditOf(in model.ChangeAccountsInput, now time.Time) (b postgres.BulkEdit, err error) {
	b = postgres.BulkEdit{DryRun: in.DryRun, Most: in.First, Until: now.Add(bulkWithin)}
	var errs [4]error
	b.Edit, errs[0] = accountChangesOf(in.Set, now)
	b.After, errs[1] = optional(controlplane.KindAccount, "after", in.After)
	if in.First < 1 || in.First > maxBulk {
		errs[2] = controlplane.Invalid("first", "give a number from 1 to %d", maxBulk)
	}
	switch {
	case (in.Ids == nil) == (in.Filter == nil):
		errs[3] = controlplane.Invalid("ids", "give ids or filter")
	case len(in.Ids) > maxBulk:
		errs[3] = controlplane.Invalid("ids", "give at most %d", maxBulk)
	case in.Filter != nil:
		b.Filter, errs[3] = accountFilterOf("filter", in.Filter)
	default:
		b.Filter.IDs, errs[3] = idsOf(controlplane.KindAccount, "ids", in.Ids)
	}
	return b, errors.Join(errs[:]...)
}

// accountChangesOf reads what to change of each account. Errors name the fields of
// the input field set.
func accountChangesOf(in *model.AccountChanges, now time.Time) (e controlplane.AccountEdit, err error) {
	if in.Status != nil {
		e.Status = *in.Status
	}
	e.RemoveLabels = in.RemoveLabels
	var errs [4]error
	e.TierID, errs[0] = choice(controlplane.KindTier, "tierId", in.TierID, "useDefaultTier", in.UseDefaultTier)
	e.Trial, errs[1] = trialOf(in.Trial)
	e.AddLabels, errs[2] = labelsOf("addLabels", in.AddLabels)
	if e.TierID == nil && e.Trial == nil && in.Status == nil && len(in.AddLabels)+len(in.RemoveLabels) == 0 {
		errs[3] = controlplane.Invalid("tierId", "say what to change")
	}
	return e, named("set", errors.Join(append(errs[:], e.Validate(now))...))
}

// inSet names a tier of the change, which the database doesn't know, as the input does.
func inSet(err error) error {
	if faults := controlplane.Faults(err); len(faults) > 0 && strings.HasSuffix(strings.ToLower(faults[0].Field), "tierid") {
		return named("set", err)
	}
	return err
}

func bulkPayload(r postgres.BulkReport) *model.ChangeAccountsPayload {
	p := &model.ChangeAccountsPayload{
		Matched: r.Matched, Changed: r.Changed, Unchanged: r.Unchanged, Failed: r.Failed, HasNextPage: r.More, Outcomes: []*model.AccountOutcome{},
	}
	for _, o := range append(r.Faults, r.Changes...) {
		outcome := &model.AccountOutcome{Account: &o.Account}
		if o.Fault != nil {
			fault := o.Fault.Error()
			outcome.Fault = &fault
		}
		p.Outcomes = append(p.Outcomes, outcome)
	}
	if r.Last != 0 {
		cursor := controlplane.KindAccount.Format(r.Last)
		p.EndCursor = &cursor
	}
	if r.Version != 0 {
		version := int64(r.Version)
		p.Snapshot = &version
	}
	return p
}
