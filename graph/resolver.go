// Package graph is the GraphQL API: the schema's files by noun, and resolvers
// that only translate between it and the control plane's nouns.
//
// In come operations of somebody signed in; out go answers, or errors with a
// code that a program can act on. It keeps nothing.
//
// It is the only package that imports gqlgen.
package graph

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/graph/model"
)

// Resolver answers every field of the schema.
type Resolver struct {
	DB   *postgres.DB
	Auth *auth.Auth
	Live *live.Hub
	// Corrections makes those of usage, and tells the live readers of every process.
	Corrections *live.Corrections
	PublicURL   string // what sign-in links begin with
	// RecheckEvery is how often the credentials behind an open subscription are
	// looked at again.
	RecheckEvery time.Duration
	Opaque       bool // refuses to tell the schema
	Development  bool // is a weir dev
	// Known are the documents that API tokens may run; nil: any.
	Known    *Documents
	Observer Observer // nil: nobody
	Log      *slog.Logger

	tick    tickLoaders
	reading sync.Mutex // held while a document is read

	inner    sync.Once
	executor *executor.Executor // see operations
}

// workerSilence is how long a worker may be silent and still count as there.
const workerSilence = time.Minute

// optional parses an id that may be left out; 0 is none.
func optional(kind controlplane.Kind, field string, id *string) (controlplane.ID, error) {
	if id == nil {
		return 0, nil
	}
	return kind.Parse(field, *id)
}

func endpointEditOf(in model.UpdateEndpointInput) (e controlplane.EndpointEdit, err error) {
	if e.ID, err = controlplane.KindEndpoint.Parse("id", in.ID); err != nil {
		return e, err
	}
	e.Revision, e.Cost = in.Revision, in.Cost
	if e.GroupID, err = choice(controlplane.KindGroup, "groupId", in.GroupID, "ungroup", in.Ungroup); err != nil {
		return e, err
	}
	return e, e.Validate()
}

func meterEditOf(in model.UpdateMeterInput) (e controlplane.MeterEdit, err error) {
	if e.ID, err = controlplane.KindMeter.Parse("id", in.ID); err != nil {
		return e, err
	}
	e.Revision, e.Name, e.Unit, e.Header, e.Hidden = in.Revision, in.Name, in.Unit, in.Header, in.Hidden
	if e.EndpointID, err = choice(controlplane.KindEndpoint, "endpointId", in.EndpointID, "allEndpoints", in.AllEndpoints); err != nil {
		return e, err
	}
	return e, e.Validate()
}

func limitOrderOf(in model.ReorderLimitsInput) (o controlplane.LimitOrder, err error) {
	o.Revision = in.Revision
	if o.TierID, err = controlplane.KindTier.Parse("tierId", in.TierID); err != nil {
		return o, err
	}
	for i, text := range in.LimitIds {
		id, err := controlplane.KindLimit.Parse(fieldOf("limitIds", i), text)
		if err != nil {
			return o, err
		}
		o.Limits = append(o.Limits, id)
	}
	return o, nil
}

func retentionEditOf(in model.RetentionInput) controlplane.RetentionEdit {
	return controlplane.RetentionEdit{Revision: in.Revision, Minutes: in.Minutes, Hours: in.Hours, Days: in.Days, Months: in.Months}
}

// defaultsEditOf reads an edit in which null, for the anonymous tier and the
// introductory allowance, is not the same as nothing.
func defaultsEditOf(in model.DefaultsInput) (e controlplane.DefaultsEdit, err error) {
	e.Revision = in.Revision
	if e.TierID, err = choice(controlplane.KindTier, "tierId", in.TierID, "", nil); err != nil {
		return e, err
	}
	if given, set := in.AnonymousTierID.ValueOK(); set {
		id, err := optional(controlplane.KindTier, "anonymousTierId", given)
		if err != nil {
			return e, err
		}
		e.AnonymousID = &id
	}
	if given, set := in.IntroductoryAllowance.ValueOK(); set {
		e.Introductory = &controlplane.IntroductoryAllowance{}
		if given != nil {
			e.Introductory = &controlplane.IntroductoryAllowance{Percent: given.Percent, Days: given.Days}
			if *e.Introductory == (controlplane.IntroductoryAllowance{}) { // stands for none in the noun
				return e, controlplane.Invalid("introductoryAllowance.percent", "give a whole number from 101 to 1000, or null for none")
			}
		}
	}
	return e, e.Validate()
}

func pointers[T any](values []T) []*T {
	out := make([]*T, len(values))
	for i := range values {
		out[i] = &values[i]
	}
	return out
}

// limitsOf reads a list of limits; nil stays nil, for "leave as it is".
func limitsOf(inputs []*model.LimitInput) (*[]controlplane.Limit, error) {
	if inputs == nil {
		return nil, nil
	}
	limits := make([]controlplane.Limit, len(inputs))
	for i, in := range inputs {
		l, err := limitOf(in, fieldOf("limits", i))
		if err != nil {
			return nil, err
		}
		limits[i] = l
	}
	return &limits, nil
}

// usageFilterOf reads a filter; nil does not narrow. Errors name the fields of
// the input field at.
func usageFilterOf(at string, in *model.UsageFilter) (f controlplane.UsageFilter, err error) {
	if in == nil {
		return f, nil
	}
	if f.Accounts, err = controlplane.ParseIDs(at+".accountIds", in.AccountIds, controlplane.KindAccount); err != nil {
		return f, err
	}
	if f.Keys, err = controlplane.ParseIDs(at+".keyIds", in.KeyIds, controlplane.KindKey, controlplane.KindIdentity); err != nil {
		return f, err
	}
	if f.Endpoints, err = controlplane.ParseIDs(at+".endpointIds", in.EndpointIds, controlplane.KindEndpoint); err != nil {
		return f, err
	}
	if f.Tiers, err = controlplane.ParseIDs(at+".tierIds", in.TierIds, controlplane.KindTier); err != nil {
		return f, err
	}
	for i, s := range in.Statuses {
		if s != 0 && (s < 100 || s > 599) {
			return f, controlplane.Invalid(fieldOf(at+".statuses", i), "give an HTTP status code, 100 to 599, or 0 for none")
		}
	}
	f.Statuses, f.Decisions = in.Statuses, in.Decisions
	return f, nil
}

// until returns the end of a range: to, or now.
func until(ctx context.Context, to *time.Time) time.Time {
	if to != nil {
		return *to
	}
	return loadersOf(ctx).now
}
