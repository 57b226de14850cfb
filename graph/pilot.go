package graph

import (
	"context"
	"errors"
	"strconv"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/graph/model"
)

// pilotOf returns the pilot that runs with an account, or nil.
func pilotOf(ctx context.Context, account controlplane.ID) (*controlplane.Pilot, error) {
	standing, err := loadersOf(ctx).standings.Load(ctx, account)
	if err != nil {
		return nil, err
	}
	return ifThere(ctx, loadersOf(ctx).pilots, standing.PilotID)
}

func newPilotOf(in model.StartPilotInput) (controlplane.NewPilot, error) {
	p := controlplane.NewPilot{Revision: in.Revision, Name: in.Name, Percent: in.Percent}
	var err1, err2, err3 error
	p.TierID, err1 = controlplane.KindTier.Parse("tierId", in.TierID)
	p.Limits, err2 = limitsOf(in.Limits)
	p.Accounts, err3 = accountsIn(in.AccountIds)
	err := errors.Join(err1, err2, err3)
	if err == nil {
		err = p.Validate()
	}
	return p, err
}

func pilotEditOf(in model.ChangePilotInput) (controlplane.PilotEdit, error) {
	e := controlplane.PilotEdit{Revision: in.Revision, Percent: in.Percent}
	var err1, err2 error
	e.ID, err1 = controlplane.KindPilot.Parse("id", in.ID)
	if in.AccountIds != nil {
		var accounts []controlplane.ID
		accounts, err2 = accountsIn(in.AccountIds)
		e.Accounts = &accounts
	}
	if err := errors.Join(err1, err2); err != nil {
		return e, err
	}
	return e, e.Validate()
}

func promotionOf(in model.PromotePilotInput) (controlplane.Promotion, error) {
	p := controlplane.Promotion{Revision: in.Revision, Move: migrationOf(*in.Move)}
	var err error
	if p.ID, err = controlplane.KindPilot.Parse("id", in.ID); err != nil {
		return p, err
	}
	if in.Note != nil {
		p.Note = *in.Note
	}
	return p, p.Validate()
}

// accountsIn reads a list of accounts.
func accountsIn(texts []string) ([]controlplane.ID, error) {
	if len(texts) > controlplane.MaxIDs {
		return nil, controlplane.Invalid("accountIds", "give at most %d ids; take a percentage for more", controlplane.MaxIDs)
	}
	ids, faults := make([]controlplane.ID, len(texts)), make([]error, len(texts))
	for i, text := range texts {
		ids[i], faults[i] = controlplane.KindAccount.Parse("accountIds."+strconv.Itoa(i), text)
	}
	return ids, errors.Join(faults...)
}
