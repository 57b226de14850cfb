package graph

import (
	"context"
	"errors"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/graph/model"
)

var keyStatuses = map[controlplane.KeyStatus]model.KeyStatus{
	controlplane.KeyLive: model.KeyStatusLive, controlplane.KeySuspended: model.KeyStatusSuspended,
	controlplane.KeyExpired: model.KeyStatusExpired, controlplane.KeyRevoked: model.KeyStatusRevoked,
}

func accountPayload(account controlplane.Account, version uint64, err error) (*model.AccountPayload, error) {
	if err != nil {
		return nil, err
	}
	return &model.AccountPayload{Account: &account, Snapshot: int64(version)}, nil
}

// choice reads an id that may be left out beside a flag that stands for none:
// nil leaves things as they are, 0 is none.
func choice(kind controlplane.Kind, field string, id *string, noneField string, none *bool) (*controlplane.ID, error) {
	switch {
	case none != nil && *none && id != nil:
		return nil, controlplane.Invalid(noneField, "give %s or %s, not both", field, noneField)
	case none != nil && *none:
		return new(controlplane.ID), nil
	case id == nil:
		return nil, nil
	}
	parsed, err := kind.Parse(field, *id)
	return &parsed, err
}

// toTheMillisecond cuts a time to what answers have of it, and the filter.
func toTheMillisecond(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	cut := t.Truncate(time.Millisecond)
	return &cut
}

func overrideOf(in model.SetOverrideInput) (controlplane.Override, error) {
	account, err1 := controlplane.KindAccount.Parse("accountId", in.AccountID)
	limit, err2 := controlplane.KindLimit.Parse("limitId", in.LimitID)
	o := controlplane.Override{AccountID: account, LimitID: limit, Amount: in.Amount, Until: toTheMillisecond(in.Until), Note: in.Note}
	if in.Mode != nil {
		o.Mode = *in.Mode
	}
	var err3 error
	if in.Burst != nil {
		o.Burst = *in.Burst
		if o.Burst == 0 { // stands for none in the noun
			err3 = controlplane.Invalid("burst", "give a whole number of at least 1, or leave it out")
		}
	}
	return o, errors.Join(err1, err2, err3)
}

// levelsOf says where an account stands with each rate and window of its tier. A
// limit of each key stands where the Envoys have reported one.
func levelsOf(ctx context.Context, limits []controlplane.Limit, overrides []*controlplane.Override, reported []controlplane.Level) ([]*model.Level, error) {
	ids := make([]controlplane.ID, len(reported))
	for i, l := range reported {
		ids[i] = l.KeyID
	}
	callers, err := loadersOf(ctx).callers.LoadAll(ctx, ids)
	if err != nil {
		return nil, err
	}
	now := loadersOf(ctx).now
	levels := []*model.Level{}
	for i, effective := range overridden(limits, overrides, now) {
		if effective.Kind == controlplane.Quota || effective.Subject == controlplane.SubjectAddress {
			continue
		}
		seen := 0
		for j := range reported {
			if reported[j].LimitID == effective.ID {
				level := levelOf(&limits[i], effective, &reported[j], now)
				level.Key, level.Identity = callers[j].key, callers[j].identity
				levels = append(levels, level)
				seen++
			}
		}
		if seen == 0 && effective.Subject == controlplane.SubjectAccount {
			levels = append(levels, levelOf(&limits[i], effective, nil, now))
		}
	}
	return levels, nil
}

// overridden returns an account's limits as they are in force for it.
func overridden(limits []controlplane.Limit, overrides []*controlplane.Override, now time.Time) []controlplane.Limit {
	values := make([]controlplane.Override, len(overrides))
	for i, o := range overrides {
		values[i] = *o
	}
	return controlplane.Overridden(limits, values, now)
}

// levelOf fills a level up to now: limit is as the tier has it, effective as the
// account has it. Nil is one that no Envoy has reported.
func levelOf(limit *controlplane.Limit, effective controlplane.Limit, seen *controlplane.Level, now time.Time) *model.Level {
	l := &model.Level{Limit: limit, Capacity: effective.Capacity(), Remaining: effective.RemainingAt(seen, now)}
	l.Used = l.Capacity - l.Remaining
	if seen != nil {
		l.ObservedAt = &seen.ObservedAt
	}
	return l
}
