package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/weirhq/weir/controlplane/client"
	"github.com/weirhq/weir/controlplane/declare"
)

// readings is how often the policy is read until it doesn't change meanwhile.
const readings = 5

// declaredPageSize is how many accounts are read at once with their overrides and identities.
const declaredPageSize = 50

// declaredAccounts are the accounts to read.
type declaredAccounts struct {
	all   bool
	names []string // unless all
}

// readState reads what is there now, as of one moment.
func readState(ctx context.Context, remote *client.Client, accounts declaredAccounts) (*declare.State, error) {
	for range readings {
		r := stateReader{remote: remote, managers: map[string]string{}, state: &declare.State{Held: map[declare.Key]declare.Held{}}}
		before, err := r.read(ctx, accounts)
		if err != nil {
			return nil, err
		}
		after, err := client.ReadSnapshot(ctx, remote)
		if err != nil {
			return nil, err
		}
		if after.Rollout.Snapshot == before {
			return r.state, nil
		}
	}
	return nil, errors.New("the policy goes on changing while it is read; try again in a moment")
}

// stateReader reads a state in several steps.
type stateReader struct {
	remote   *client.Client
	managers map[string]string // by id
	state    *declare.State
}

// read reads all of it, and returns the snapshot that it began with.
func (r *stateReader) read(ctx context.Context, accounts declaredAccounts) (int64, error) {
	got, err := client.ReadPolicy(ctx, r.remote)
	if err != nil {
		return 0, err
	}
	for _, m := range got.ManagedObjects {
		r.managers[m.Id] = m.Manager
	}
	r.state.Document.Defaults = &declare.Defaults{Tier: got.Defaults.Tier.Name}
	if a := got.Defaults.AnonymousTier; a != nil {
		r.state.Document.Defaults.AnonymousTier = a.Name
	}
	r.hold(declare.KindDefaults, "", "", got.Defaults.Revision)
	for _, step := range []func(context.Context) error{r.groups, r.endpoints, r.meters, r.tiers} {
		if err := step(ctx); err != nil {
			return 0, err
		}
	}
	if accounts.all {
		if err := r.accounts(ctx, nil); err != nil {
			return 0, err
		}
	}
	for names := range slices.Chunk(accounts.names, declaredPageSize) {
		if err := r.accounts(ctx, &client.AccountFilter{Names: names}); err != nil {
			return 0, err
		}
	}
	return got.Rollout.Snapshot, nil
}

func (r *stateReader) hold(kind declare.Kind, name, id string, revision int) declare.Held {
	held := declare.Held{ID: id, Manager: r.managers[id], Revision: revision, Parts: map[string]string{}, Revisions: map[string]int{}}
	r.state.Held[declare.Key{Kind: kind, Name: name}] = held
	return held
}

func (r *stateReader) groups(ctx context.Context) error {
	groups, err := gather(func(after *string) ([]client.Group, client.PageInfo, error) {
		page, err := client.ListGroups(ctx, r.remote, policyPageSize, after)
		return page.EndpointGroups.Nodes, page.EndpointGroups.PageInfo, err
	})
	for _, g := range groups {
		r.state.Document.Groups = append(r.state.Document.Groups, declare.Group{Name: g.Name})
		r.hold(declare.KindGroup, g.Name, g.Id, 0)
	}
	return err
}

func (r *stateReader) endpoints(ctx context.Context) error {
	endpoints, err := allEndpoints(ctx, r.remote)
	for _, e := range endpoints {
		endpoint := declare.Endpoint{Method: e.Method, Template: e.Template, Cost: e.Cost}
		if e.Group != nil {
			endpoint.Group = e.Group.Name
		}
		r.state.Document.Endpoints = append(r.state.Document.Endpoints, endpoint)
		r.hold(declare.KindEndpoint, endpoint.Name(), e.Id, e.Revision)
	}
	return err
}

func (r *stateReader) meters(ctx context.Context) error {
	meters, err := gather(func(after *string) ([]client.Meter, client.PageInfo, error) {
		page, err := client.ListMeters(ctx, r.remote, policyPageSize, after)
		return page.Meters.Nodes, page.Meters.PageInfo, err
	})
	for _, m := range meters {
		meter := declare.Meter{Name: m.Name, Unit: m.Unit, Header: m.Header, Hidden: m.Hidden}
		if m.Endpoint != nil {
			meter.Endpoint = m.Endpoint.Method + " " + m.Endpoint.Template
		}
		r.state.Document.Meters = append(r.state.Document.Meters, meter)
		r.hold(declare.KindMeter, m.Name, m.Id, m.Revision)
	}
	return err
}

func (r *stateReader) tiers(ctx context.Context) error {
	tiers, err := gather(func(after *string) ([]client.Tier, client.PageInfo, error) {
		page, err := client.ListPolicyTiers(ctx, r.remote, pageSize, after)
		return page.Tiers.Nodes, page.Tiers.PageInfo, err
	})
	for _, t := range tiers {
		held := r.hold(declare.KindTier, t.Name, t.Id, t.Revision)
		tier := declare.Tier{Name: t.Name}
		for _, l := range t.Limits {
			tier.Limits = append(tier.Limits, limitOf(l))
			held.Parts[l.Name] = l.Id
		}
		r.state.Document.Tiers = append(r.state.Document.Tiers, tier)
	}
	return err
}

func (r *stateReader) accounts(ctx context.Context, filter *client.AccountFilter) error {
	accounts, err := gather(func(after *string) ([]client.DeclaredAccount, client.PageInfo, error) {
		page, err := client.ListDeclaredAccounts(ctx, r.remote, declaredPageSize, after, filter)
		return page.Accounts.Nodes, page.Accounts.PageInfo, err
	})
	if err != nil {
		return err
	}
	for i := range accounts {
		if err := r.complete(ctx, &accounts[i]); err != nil {
			return err
		}
		r.account(accounts[i])
	}
	return nil
}

// complete reads what an account has more of than its first page.
func (r *stateReader) complete(ctx context.Context, a *client.DeclaredAccount) (err error) {
	gone := fmt.Errorf("account %s is gone; try again", a.Name)
	if a.Overrides.PageInfo.HasNextPage {
		a.Overrides.Nodes, err = gather(func(after *string) ([]client.Override, client.PageInfo, error) {
			page, err := client.ListOverrides(ctx, r.remote, a.Id, pageSize, after)
			if err != nil || page.Account == nil {
				return nil, client.PageInfo{}, errors.Join(err, gone)
			}
			return page.Account.Overrides.Nodes, page.Account.Overrides.PageInfo, nil
		})
		if err != nil {
			return err
		}
	}
	if a.Identities.PageInfo.HasNextPage {
		a.Identities.Nodes, err = gather(func(after *string) ([]client.Identity, client.PageInfo, error) {
			page, err := client.ListIdentities(ctx, r.remote, a.Id, pageSize, after)
			if err != nil || page.Account == nil {
				return nil, client.PageInfo{}, errors.Join(err, gone)
			}
			return page.Account.Identities.Nodes, page.Account.Identities.PageInfo, nil
		})
	}
	return err
}

func limitOf(l client.Limit) declare.Limit {
	limit := declare.Limit{
		Name: l.Name, Subject: string(l.Subject), Selector: string(l.Selector), Measure: string(l.Measure), Kind: string(l.Kind),
		Amount: l.Amount, Period: string(l.Period), Burst: orZero(l.Burst), Mode: string(l.Mode),
		GracePercent: orZero(l.GracePercent), GraceSeconds: orZero(l.GraceSeconds), FailMode: string(l.FailMode), RefundErrors: l.RefundErrors,
	}
	if l.Endpoint != nil {
		limit.Endpoint = l.Endpoint.Method + " " + l.Endpoint.Template
	}
	if l.Group != nil {
		limit.Group = l.Group.Name
	}
	if a := l.Adaptive; a != nil {
		limit.Adaptive = &declare.Adaptive{ErrorPercent: orZero(a.ErrorPercent), SlowMs: orZero(a.SlowMs), SlowPercent: orZero(a.SlowPercent), FloorPercent: a.FloorPercent}
	}
	return limit
}

func (r *stateReader) account(a client.DeclaredAccount) {
	held := r.hold(declare.KindAccount, a.Name, a.Id, a.Revision)
	account := declare.Account{Name: a.Name, Status: string(a.Status), TimeZone: a.TimeZone, BillingDay: a.BillingDay}
	if !a.OnDefaultTier {
		account.Tier = a.Tier.Name
	}
	for _, l := range a.Labels {
		if account.Labels == nil {
			account.Labels = map[string]string{}
		}
		account.Labels[l.Key] = l.Value
	}
	for _, o := range a.Overrides.Nodes {
		held.Revisions[o.Id], held.Revisions[o.Limit.Id] = o.Revision, o.Revision
		if o.Ended || !o.InForce {
			continue
		}
		held.Parts[o.Limit.Name] = o.Id
		override := declare.Override{Limit: o.Limit.Name, Amount: o.Amount, Burst: orZero(o.Burst), Until: o.Until, Note: o.Note}
		if o.Mode != nil {
			override.Mode = string(*o.Mode)
		}
		account.Overrides = append(account.Overrides, override)
	}
	for _, i := range a.Identities.Nodes {
		identity := declare.Identity{Kind: string(i.Kind), Value: i.Value, Issuer: i.Issuer}
		held.Parts[identity.Key()] = i.Id
		account.Identities = append(account.Identities, identity)
	}
	r.state.Document.Accounts = append(r.state.Document.Accounts, account)
}

func orZero[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// orNil is nil for what is at zero.
func orNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
