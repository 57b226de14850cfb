package graph

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/graph/model"
	"github.com/weirhq/weir/plugin/wire"
)

// questionOf reads a question, and from the operation which parts of the answer
// are of interest.
func (r *Resolver) questionOf(ctx context.Context, in model.ExploreInput) (q explore.Question, err error) {
	q = explore.Question{
		From: in.From, To: until(ctx, in.To), Granularity: in.Granularity, GroupBy: in.GroupBy,
		OrderBy: in.OrderBy, Top: in.Top,
	}
	if in.Compare != nil {
		q.Compare = *in.Compare
	}
	if q.Zone, err = explore.Zone("input.timeZone", in.TimeZone); err != nil {
		return q, err
	}
	if q.Filter, err = usageFilterOf("input.filter", in.Filter); err != nil {
		return q, err
	}
	if q.Meters, err = controlplane.ParseIDs("input.meterIds", in.MeterIds, controlplane.KindMeter); err != nil {
		return q, err
	}
	if q.OrderByMeter, err = optional(controlplane.KindMeter, "input.orderByMeterId", in.OrderByMeterID); err != nil {
		return q, err
	}
	if in.After != nil {
		if q.After, err = q.ReadCursor(*in.After); err != nil {
			return q, err
		}
	}
	q.OwnZone, err = r.DB.HaveZone(ctx, q.Filter.Accounts, in.TimeZone)
	q.Want = explore.Want{
		Series:     asksFor(ctx, "series", "previousSeries") && in.Granularity != nil,
		Latency:    asksFor(ctx, "latency", "p50", "p95", "p99"),
		UniqueKeys: asksFor(ctx, "uniqueKeys"),
	}
	return q, err
}

// asksFor says whether any of the fields is asked for, at any depth below the one
// that is answered.
func asksFor(ctx context.Context, fields ...string) bool {
	asked := selected(graphql.GetFieldContext(ctx).Field.Selections, map[string]bool{})
	return slices.ContainsFunc(fields, func(f string) bool { return asked[f] })
}

// plainFields names fields as they are where there is no input object.
func plainFields(err error) error {
	var fault *controlplane.Error
	if !errors.As(err, &fault) {
		return err
	}
	plain := *fault
	plain.Field = strings.TrimPrefix(plain.Field, "input.")
	return &plain
}

// selected adds the names of all fields below a selection, at any depth.
func selected(set ast.SelectionSet, names map[string]bool) map[string]bool {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			names[s.Name] = true
			selected(s.SelectionSet, names)
		case *ast.InlineFragment:
			selected(s.SelectionSet, names)
		case *ast.FragmentSpread:
			selected(s.Definition.SelectionSet, names)
		}
	}
	return names
}

// heatRange reads the range of a heat map.
func heatRange(ctx context.Context, in model.HeatMapInput) (r controlplane.Range, zone *time.Location, f controlplane.UsageFilter, err error) {
	r = controlplane.Range{From: in.From, To: until(ctx, in.To)}
	if zone, err = explore.Zone("input.timeZone", in.TimeZone); err != nil {
		return r, nil, f, err
	}
	f, err = usageFilterOf("input.filter", in.Filter)
	return r, zone, f, err
}

// groupID returns a group's value of a dimension that is an id; 0 for none.
func groupID(g *explore.Group, d explore.Dimension) controlplane.ID {
	v, _ := g.Value(d)
	return controlplane.ID(v)
}

// groupTexts returns, for each dimension that a group was split by, what a filter
// takes and what is shown.
func groupTexts(ctx context.Context, g *explore.Group) (values, names []string, err error) {
	values, names = []string{}, []string{}
	for _, d := range g.Dimensions {
		value, name, err := dimensionTexts(ctx, g, d)
		if err != nil {
			return nil, nil, err
		}
		values, names = append(values, value), append(names, name)
	}
	return values, names, nil
}

func dimensionTexts(ctx context.Context, g *explore.Group, d explore.Dimension) (value, name string, err error) {
	id := groupID(g, d)
	switch d {
	case explore.ByStatus:
		if id == 0 {
			return "0", "no status", nil
		}
		text := strconv.FormatInt(int64(id), 10)
		return text, text, nil
	case explore.ByDecision:
		text := model.DecisionName(wire.Decision(id))
		return text, text, nil
	}
	if id == 0 {
		return controlplane.NoID, map[explore.Dimension]string{
			explore.ByAccount: "nobody", explore.ByKey: "no key", explore.ByEndpoint: "no endpoint", explore.ByTier: "no tier",
		}[d], nil
	}
	value, name, err = thingTexts(ctx, d, id)
	if name == "" {
		name = value + " (deleted)"
	}
	return value, name, err
}

// thingTexts returns the id of what a dimension names, and its name; empty when
// it was deleted.
func thingTexts(ctx context.Context, d explore.Dimension, id controlplane.ID) (value, name string, err error) {
	switch d {
	case explore.ByAccount:
		account, err := ifThere(ctx, loadersOf(ctx).accounts, id)
		if account != nil {
			name = account.Name
		}
		return controlplane.KindAccount.Format(id), name, err
	case explore.ByEndpoint:
		endpoint, err := ifThere(ctx, loadersOf(ctx).endpoints, id)
		if endpoint != nil {
			name = endpoint.Method + " " + endpoint.Template
		}
		return controlplane.KindEndpoint.Format(id), name, err
	case explore.ByTier:
		tier, err := ifThere(ctx, loadersOf(ctx).tiers, id)
		if tier != nil {
			name = tier.Name
		}
		return controlplane.KindTier.Format(id), name, err
	}
	c, err := callerOf(ctx, id)
	switch {
	case c.identity != nil:
		return controlplane.KindIdentity.Format(id), c.identity.Value, err
	case c.key != nil:
		name = c.key.Name + " (" + c.key.Prefix + "…)"
	}
	return controlplane.KindKey.Format(id), name, err
}

// labelOf joins the names of a group.
func labelOf(ctx context.Context, g *explore.Group) (string, error) {
	if len(g.Dimensions) == 0 {
		return "everything else", nil
	}
	_, names, err := groupTexts(ctx, g)
	return strings.Join(names, " · "), err
}

// reportPage says where a page of a report lies.
func reportPage(ctx context.Context, obj *explore.Report) *model.PageInfo {
	asked, _ := graphql.GetFieldContext(ctx).Parent.Args["input"].(model.ExploreInput)
	info := &model.PageInfo{HasNextPage: obj.More, HasPreviousPage: asked.After != nil}
	if obj.EndCursor != "" {
		info.EndCursor = &obj.EndCursor
	}
	return info
}
