package graph

import (
	"context"
	"errors"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/graph/model"
)

// adjustmentOf reads an adjustment, which whoever is signed in makes.
func adjustmentOf(ctx context.Context, in model.AdjustUsageInput) (controlplane.NewCorrection, error) {
	account, err := controlplane.KindAccount.Parse("accountId", in.AccountID)
	c := controlplane.NewCorrection{
		Kind: controlplane.KindAdjustment, ClientID: in.ClientID, AccountID: account, At: in.At,
		Requests: in.Requests, Cost: in.Cost, BytesIn: in.BytesIn, BytesOut: in.BytesOut, Amount: in.Amount,
		Reason: in.Reason, Actor: actorOf(ctx),
	}
	return c, errors.Join(err, correctedOf(&c, in.KeyID, in.EndpointID, in.TierID, in.MeterID))
}

// voidOf reads a void, which whoever is signed in makes.
func voidOf(ctx context.Context, in model.VoidUsageInput) (controlplane.NewCorrection, error) {
	c := controlplane.NewCorrection{Kind: controlplane.KindVoid, ClientID: in.ClientID, Reason: in.Reason, Actor: actorOf(ctx)}
	if in.CorrectionID != nil {
		if in.AccountID != nil || in.KeyID != nil || in.EndpointID != nil || in.TierID != nil || in.At != nil || in.MeterID != nil {
			return c, controlplane.Invalid("correctionId", "give this or the usage to take back, not both")
		}
		var err error
		c.Voids, err = controlplane.KindCorrection.Parse("correctionId", *in.CorrectionID)
		return c, err
	}
	if in.AccountID == nil || in.At == nil {
		return c, controlplane.Invalid("correctionId", "give this, or accountId and at of the usage to take back")
	}
	account, err := controlplane.KindAccount.Parse("accountId", *in.AccountID)
	c.AccountID, c.At = account, *in.At
	return c, errors.Join(err, correctedOf(&c, in.KeyID, in.EndpointID, in.TierID, in.MeterID))
}

// correctedOf reads what a correction is of beside its account.
func correctedOf(c *controlplane.NewCorrection, key, endpoint, tier, meter *string) error {
	var err1, err2, err3, err4 error
	if key != nil {
		if c.KeyID, err1 = controlplane.KindKey.Parse("keyId", *key); err1 != nil {
			if identity, err := controlplane.KindIdentity.Parse("keyId", *key); err == nil {
				c.KeyID, err1 = identity, nil
			}
		}
	}
	c.EndpointID, err2 = optional(controlplane.KindEndpoint, "endpointId", endpoint)
	c.TierID, err3 = optional(controlplane.KindTier, "tierId", tier)
	c.MeterID, err4 = optional(controlplane.KindMeter, "meterId", meter)
	return errors.Join(err1, err2, err3, err4)
}

func actorOf(ctx context.Context) string {
	p, _ := auth.PrincipalOf(ctx)
	return p.Name
}

// correct makes one correction.
func (r *Resolver) correct(ctx context.Context, c controlplane.NewCorrection) (*model.CorrectionPayload, error) {
	results, err := r.Corrections.Correct(ctx, []controlplane.NewCorrection{c})
	if err != nil {
		return nil, err
	}
	if err := results[0].Err; err != nil {
		return nil, each(ctx, correctionFault(err))
	}
	return &model.CorrectionPayload{Correction: &results[0].Correction, Known: results[0].Known}, nil
}

// correctionFault names the correction to take back as the input does.
func correctionFault(err error) error {
	faults := controlplane.Faults(err)
	if faults == nil {
		return err
	}
	named := make([]error, len(faults))
	for i, f := range faults {
		renamed := *f
		if f.Field == "voids" {
			renamed.Field = "correctionId"
		}
		named[i] = &renamed
	}
	return errors.Join(named...)
}
