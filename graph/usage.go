package graph

import (
	"context"
	"errors"
	"time"

	"github.com/vikstrous/dataloadgen"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/graph/model"
)

func seriesOf(g controlplane.Granularity, points []time.Time, totals []controlplane.Totals) *model.UsageSeries {
	out := &model.UsageSeries{Granularity: g, Totals: &controlplane.Totals{}}
	for i, at := range points {
		out.Totals.Add(totals[i])
		out.Points = append(out.Points, &model.UsagePoint{At: at, Totals: &totals[i]})
	}
	return out
}

func consumersOf(ctx context.Context, groups []explore.Group) ([]*model.Consumer, error) {
	out := make([]*model.Consumer, len(groups))
	ids := make([]controlplane.ID, len(groups))
	for i, g := range groups {
		ids[i] = groupID(&groups[i], explore.ByAccount)
		out[i] = &model.Consumer{Totals: &groups[i].Totals.Totals, Share: g.Share}
	}
	accounts, err := loadersOf(ctx).accounts.LoadAll(ctx, ids)
	// Usage without an account names nothing, and has none here either.
	if err != nil && !onlyMissing(err) {
		return nil, err
	}
	for i := range out {
		out[i].Account = accounts[i]
	}
	return out, nil
}

func onlyMissing(err error) bool {
	var several dataloadgen.ErrorSlice
	if !errors.As(err, &several) {
		return errors.Is(err, dataloadgen.ErrNotFound)
	}
	for _, e := range several {
		if e != nil && !errors.Is(e, dataloadgen.ErrNotFound) {
			return false
		}
	}
	return true
}

// latencyOf is in milliseconds.
func latencyOf(t *controlplane.Totals) *model.Latency {
	l := &model.Latency{}
	if t.Allowed > 0 {
		mean := float64(t.AllowedDurationUS) / float64(t.Allowed) / 1000
		l.Mean = &mean
	}
	for _, q := range []struct {
		of float64
		to **float64
	}{{0.5, &l.P50}, {0.95, &l.P95}, {0.99, &l.P99}} {
		if us, ok := t.Latency.Quantile(q.of); ok {
			ms := us / 1000
			*q.to = &ms
		}
	}
	return l
}
