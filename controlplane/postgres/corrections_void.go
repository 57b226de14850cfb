package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/usage"
)

// fillVoids finds out what voids take back.
func (c *correcting) fillVoids(ctx context.Context, tx pgx.Tx, _ time.Time) error {
	voided := map[controlplane.ID]bool{}
	type taken struct {
		account, key, endpoint, tier, meter controlplane.ID
		minute                              time.Time
	}
	usageVoided := map[taken]bool{}
	for _, i := range c.fresh {
		w := &c.wanted[i]
		made := c.made[correctionID{w.Kind, w.ClientID}]
		if w.Kind != controlplane.KindVoid {
			continue
		}
		var again bool
		var err error
		if w.Voids != 0 {
			again, voided[w.Voids] = voided[w.Voids], true
			err = voidCorrection(ctx, tx, made)
		} else {
			k := taken{made.AccountID, made.KeyID, made.EndpointID, made.TierID, made.MeterID, made.At}
			again, usageVoided[k] = usageVoided[k], true
			err = voidUsage(ctx, tx, made)
		}
		if again {
			err = controlplane.Conflict("voids", "the same is taken back twice; leave one out")
		}
		var fault *controlplane.Error
		if errors.As(err, &fault) {
			c.refuse(i, fault)
		} else if err != nil {
			return err
		}
	}
	c.keepFresh()
	return nil
}

// voidCorrection makes v take back the correction that it names.
func voidCorrection(ctx context.Context, tx pgx.Tx, v *controlplane.Correction) error {
	found, err := one[controlplane.Correction](ctx, tx, `select `+correctionColumns+` from corrections where id = $1`, v.Voids)
	if err != nil {
		return orMissing(err, controlplane.NotFound("voids", "correction"))
	}
	if found.Kind == controlplane.KindVoid {
		return controlplane.Conflict("voids", "this is a void itself; make an adjustment instead")
	}
	var there bool
	if err := tx.QueryRow(ctx, `select exists (select from corrections where voids = $1)`, v.Voids).Scan(&there); err != nil {
		return err
	}
	if there {
		return controlplane.Conflict("voids", "this correction has been taken back already")
	}
	v.AccountID, v.KeyID, v.EndpointID, v.TierID, v.MeterID, v.At = found.AccountID, found.KeyID, found.EndpointID, found.TierID, found.MeterID, found.At.UTC()
	v.Requests, v.Cost, v.BytesIn, v.BytesOut, v.Amount = -found.Requests, -found.Cost, -found.BytesIn, -found.BytesOut, -found.Amount
	return nil
}

// voidUsage makes v take back what Envoys sent of its minute and dimensions: usage,
// or that of its meter, less what earlier voids took. Of an amount that one
// correction can't have it takes the most, and leaves the rest to the next void.
func voidUsage(ctx context.Context, tx pgx.Tx, v *controlplane.Correction) error {
	kept, err := retentionOf(ctx, tx)
	if err != nil {
		return err
	}
	if v.At.Before(kept[usage.Minutes].from) {
		return controlplane.Conflict("at", "usage of that time isn't kept by the minute any more; make an adjustment instead")
	}
	table, conditions := `usage_minute`, ` and decision <= 5`
	sums := `coalesce(sum(requests), 0)::bigint, coalesce(sum(cost), 0)::bigint, coalesce(sum(bytes_in), 0)::bigint, coalesce(sum(bytes_out), 0)::bigint, 0::bigint`
	if v.MeterID != 0 {
		table, conditions = `meter_minute`, ` and meter_id = $6`
		sums = `0::bigint, 0::bigint, 0::bigint, 0::bigint, coalesce(sum(amount), 0)`
	}
	err = tx.QueryRow(ctx, `
		with sent (requests, cost, bytes_in, bytes_out, amount) as (
			select `+sums+` from `+table+`
			where bucket = $1 and account_id = $2 and key_id = $3 and endpoint_id = $4 and tier_id = $5`+conditions+`
		), taken (requests, cost, bytes_in, bytes_out, amount) as (
			select coalesce(sum(requests), 0)::bigint, coalesce(sum(cost), 0)::bigint, coalesce(sum(bytes_in), 0)::bigint,
				coalesce(sum(bytes_out), 0)::bigint, coalesce(sum(amount), 0)
			from corrections
			where kind = 'VOID' and voids is null and minute = $1 and account_id = $2 and key_id = $3 and endpoint_id = $4 and tier_id = $5 and meter_id = $6
		)
		select -s.requests - t.requests, -s.cost - t.cost, -s.bytes_in - t.bytes_in, -s.bytes_out - t.bytes_out, `+capped(`-s.amount - t.amount`)+`
		from sent s, taken t`, v.At, v.AccountID, v.KeyID, v.EndpointID, v.TierID, v.MeterID).
		Scan(&v.Requests, &v.Cost, &v.BytesIn, &v.BytesOut, &v.Amount)
	if err == nil && v.Requests == 0 && v.Cost == 0 && v.BytesIn == 0 && v.BytesOut == 0 && v.Amount == 0 {
		return controlplane.Conflict("at", "there is no usage of that minute, or it has been taken back already")
	}
	return err
}
