package graph

import (
	"context"
	"errors"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/graph/model"
)

func connectionOf(page postgres.AccountPage, after *string) *model.AccountConnection {
	return accountList().page(page.Accounts, page.More, after, func(context.Context) (int, error) { return page.Total, nil })
}

func newAccountOf(in model.CreateAccountInput, now time.Time) (a controlplane.NewAccount, err error) {
	a = controlplane.NewAccount{Name: in.Name, TimeZone: in.TimeZone, BillingDay: in.BillingDay}
	var errs [3]error
	a.TierID, errs[0] = optional(controlplane.KindTier, "tierId", in.TierID)
	a.Trial, errs[1] = trialOf(in.Trial)
	a.Labels, errs[2] = labelsOf("labels", in.Labels)
	err = errors.Join(append(errs[:], a.Validate(now))...) // before a is returned: it brings the name into form
	return a, err
}

func accountEditOf(in model.UpdateAccountInput, now time.Time) (e controlplane.AccountEdit, err error) {
	if e.ID, err = controlplane.KindAccount.Parse("id", in.ID); err != nil {
		return e, err
	}
	e.Revision, e.Name, e.TimeZone, e.BillingDay = in.Revision, in.Name, in.TimeZone, in.BillingDay
	if in.Status != nil {
		e.Status = *in.Status
	}
	var errs [3]error
	e.TierID, errs[0] = choice(controlplane.KindTier, "tierId", in.TierID, "useDefaultTier", in.UseDefaultTier)
	e.Trial, errs[1] = trialOf(in.Trial)
	if in.Labels != nil {
		var labels controlplane.Labels
		labels, errs[2] = labelsOf("labels", in.Labels)
		e.Labels = &labels
	}
	return e, errors.Join(append(errs[:], e.Validate(now))...)
}

func trialOf(in *model.TrialInput) (*controlplane.Trial, error) {
	if in == nil {
		return nil, nil
	}
	tier, err := optional(controlplane.KindTier, "trial.tierId", in.TierID)
	return &controlplane.Trial{EndsAt: *toTheMillisecond(&in.EndsAt), Then: in.Then, TierID: tier}, err
}

// labelsOf reads labels; each key may stand once.
func labelsOf(field string, in []*model.LabelInput) (controlplane.Labels, error) {
	labels := controlplane.Labels{}
	var faults []error
	for i, l := range in {
		if _, twice := labels[l.Key]; twice {
			faults = append(faults, controlplane.Invalid(fieldOf(field, i), "there are two labels %.80q; give one", l.Key))
		}
		labels[l.Key] = l.Value
	}
	return labels, errors.Join(faults...)
}

// accountFilterOf reads a filter; nil does not narrow. Errors name the fields of the
// input field at.
func accountFilterOf(at string, in *model.AccountFilter) (f controlplane.AccountFilter, err error) {
	if in == nil {
		return f, nil
	}
	f.Text, f.Statuses, f.TrialEndsBefore, f.Names = textOf(in.Text), in.Statuses, in.TrialEndsBefore, in.Names
	for _, l := range in.Labels {
		f.Labels = append(f.Labels, controlplane.LabelFilter{Key: l.Key, Value: l.Value})
	}
	f.TierID, err = optional(controlplane.KindTier, at+".tierId", in.TierID)
	return f, errors.Join(err, named(at, f.Validate()))
}

func accountOrderOf(in *model.AccountOrder) controlplane.AccountOrder {
	if in == nil {
		return controlplane.AccountOrder{}
	}
	return controlplane.AccountOrder{By: in.By, Descending: in.Descending}
}
