package graph

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/vikstrous/dataloadgen"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/graph/model"
)

// maxNodes is how many ids Query.nodes takes.
const maxNodes = 100

// findNode begins to read what an id names, and returns what waits for it: nil for
// what isn't there, or isn't for a caller who is bound to an account (0: to none).
type findNode func(ctx context.Context, id, bound controlplane.ID) func() (model.Node, error)

// nodeKind is a type of the schema that has ids.
type nodeKind struct {
	kind  controlplane.Kind
	needs permit.Permission
	find  findNode
}

type loaderOf[T any] = dataloadgen.Loader[controlplane.ID, *T]

// nodeKinds are the types that implement Node, by their names in the schema.
func (r *Resolver) nodeKinds() map[string]nodeKind {
	return map[string]nodeKind{
		"Account": {controlplane.KindAccount, permit.AccountsRead, find(
			func(l *loaders) *loaderOf[controlplane.Account] { return l.accounts },
			owned(func(a *controlplane.Account) controlplane.ID { return a.ID }))},
		"Key":      {controlplane.KindKey, permit.AccountsRead, findKey},
		"Identity": {controlplane.KindIdentity, permit.AccountsRead, findIdentity},
		"Override": {controlplane.KindOverride, permit.AccountsRead, find(
			func(l *loaders) *loaderOf[controlplane.Override] { return l.overridesByID },
			owned(func(o *controlplane.Override) controlplane.ID { return o.AccountID }))},
		"Denial": {controlplane.KindDenial, permit.UsageRead, find(
			func(l *loaders) *loaderOf[controlplane.Denial] { return l.denials },
			owned(func(d *controlplane.Denial) controlplane.ID { return d.AccountID }))},
		"Correction": {controlplane.KindCorrection, permit.UsageRead, find(
			func(l *loaders) *loaderOf[controlplane.Correction] { return l.corrections },
			owned(func(c *controlplane.Correction) controlplane.ID { return c.AccountID }))},
		"UnaccountedUsage": {controlplane.KindUnaccounted, permit.UsageRead, find(
			func(l *loaders) *loaderOf[controlplane.UnaccountedUsage] { return l.unaccounted }, nobodys[controlplane.UnaccountedUsage])},
		"Tier": {controlplane.KindTier, permit.PolicyRead, find(
			func(l *loaders) *loaderOf[controlplane.Tier] { return l.tiers },
			ofTier(func(t *controlplane.Tier) controlplane.ID { return t.ID }))},
		"TierVersion": {controlplane.KindVersion, permit.PolicyRead, find(
			func(l *loaders) *loaderOf[controlplane.TierVersion] { return l.versions }, ofVersion)},
		"Limit": {controlplane.KindLimit, permit.PolicyRead, find(
			func(l *loaders) *loaderOf[controlplane.Limit] { return l.limits },
			ofTier(func(t *controlplane.Limit) controlplane.ID { return t.TierID }))},
		"Endpoint": {controlplane.KindEndpoint, permit.PolicyRead, find(
			func(l *loaders) *loaderOf[controlplane.Endpoint] { return l.endpoints }, anybodys[controlplane.Endpoint])},
		"EndpointGroup": {controlplane.KindGroup, permit.PolicyRead, find(
			func(l *loaders) *loaderOf[controlplane.EndpointGroup] { return l.groups }, ofOwnLimits)},
		"EndpointSource": {controlplane.KindSource, permit.PolicyRead, find(
			func(l *loaders) *loaderOf[controlplane.EndpointSource] { return l.sources }, nobodys[controlplane.EndpointSource])},
		"Meter": {controlplane.KindMeter, permit.PolicyRead, find(
			func(l *loaders) *loaderOf[controlplane.Meter] { return l.meters }, anybodys[controlplane.Meter])},
		"ScheduledChange": {controlplane.KindSchedule, permit.PolicyRead, findScheduled},
		"Member": {controlplane.KindMember, permit.MembersRead, find(
			func(l *loaders) *loaderOf[controlplane.Member] { return l.members }, nobodys[controlplane.Member])},
		"ApiToken": {controlplane.KindToken, permit.TokensWrite, find(
			func(l *loaders) *loaderOf[controlplane.APIToken] { return l.tokens }, nobodys[controlplane.APIToken])},
		"Session": {controlplane.KindSession, "", findSession},
	}
}

// find reads with a loader what seen lets callers see who are bound to an account.
func find[T any](loader func(*loaders) *loaderOf[T], seen func(context.Context, *T, controlplane.ID) (bool, error)) findNode {
	return func(ctx context.Context, id, bound controlplane.ID) func() (model.Node, error) {
		wait := loader(loadersOf(ctx)).LoadThunk(ctx, id)
		return func() (model.Node, error) {
			v, err := wait()
			if errors.Is(err, dataloadgen.ErrNotFound) {
				return nil, nil
			}
			if err != nil || bound == 0 {
				return v, err
			}
			if ok, err := seen(ctx, v, bound); !ok {
				return nil, err
			}
			return v, nil
		}
	}
}

// owned is for what belongs to an account.
func owned[T any](account func(*T) controlplane.ID) func(context.Context, *T, controlplane.ID) (bool, error) {
	return func(_ context.Context, v *T, bound controlplane.ID) (bool, error) { return account(v) == bound, nil }
}

// ofTier is for what belongs to a tier: callers see that of their account.
func ofTier[T any](tier func(*T) controlplane.ID) func(context.Context, *T, controlplane.ID) (bool, error) {
	return func(ctx context.Context, v *T, bound controlplane.ID) (bool, error) {
		account, err := loadersOf(ctx).accounts.Load(ctx, bound)
		return err == nil && account.TierID == tier(v), err
	}
}

// ofVersion is for versions of tiers: callers see that of their account.
func ofVersion(ctx context.Context, v *controlplane.TierVersion, bound controlplane.ID) (bool, error) {
	standing, err := loadersOf(ctx).standings.Load(ctx, bound)
	return err == nil && standing.VersionID == v.ID, err
}

// ofOwnLimits is for endpoint groups: callers see those that a limit of their account's
// version names.
func ofOwnLimits(ctx context.Context, g *controlplane.EndpointGroup, bound controlplane.ID) (bool, error) {
	version, err := versionOf(ctx, bound)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(version.Limits, func(l controlplane.Limit) bool { return l.Group == g.ID }), nil
}

func anybodys[T any](context.Context, *T, controlplane.ID) (bool, error) { return true, nil }

func nobodys[T any](context.Context, *T, controlplane.ID) (bool, error) { return false, nil }

func findKey(ctx context.Context, id, bound controlplane.ID) func() (model.Node, error) {
	wait := loadersOf(ctx).callers.LoadThunk(ctx, id)
	return func() (model.Node, error) {
		if c, err := wait(); err != nil || c.key != nil && (bound == 0 || c.key.AccountID == bound) {
			return c.key, err
		}
		return nil, nil
	}
}

func findIdentity(ctx context.Context, id, bound controlplane.ID) func() (model.Node, error) {
	wait := loadersOf(ctx).callers.LoadThunk(ctx, id)
	return func() (model.Node, error) {
		if c, err := wait(); err != nil || c.identity != nil && (bound == 0 || c.identity.AccountID == bound) {
			return c.identity, err
		}
		return nil, nil
	}
}

// findSession finds sessions of the member who asks.
func findSession(ctx context.Context, id, _ controlplane.ID) func() (model.Node, error) {
	return func() (model.Node, error) {
		p, _ := auth.PrincipalOf(ctx)
		if p.Kind != auth.Session {
			return nil, nil
		}
		sessions, err := loadersOf(ctx).sessions.Load(ctx, p.ID)
		for i := range sessions {
			if sessions[i].ID == id {
				return &sessions[i], nil
			}
		}
		return nil, err
	}
}

// node begins to read what an id names; see findNode.
func (r *Resolver) node(ctx context.Context, field, text string) (func() (model.Node, error), error) {
	prefix, _, _ := strings.Cut(text, "_")
	for _, k := range r.nodeKinds() {
		if string(k.kind) != prefix {
			continue
		}
		id, err := k.kind.Parse(field, text)
		if err != nil {
			return nil, err
		}
		held := permit.Held(ctx)
		if k.needs != "" && !held.Has(k.needs) {
			return nil, controlplane.Forbidden(string(k.needs))
		}
		return k.find(ctx, id, held.Account), nil
	}
	return nil, controlplane.Invalid(field, "give an id such as %s", controlplane.KindAccount.Format(7))
}
