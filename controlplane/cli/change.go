package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/weirhq/weir/controlplane/client"
	"github.com/weirhq/weir/controlplane/declare"
)

// changer makes the changes of a plan, one after the other.
type changer struct {
	remote *client.Client
	ids    map[declare.Key]string       // of what is there, and of what was made
	limits map[string]map[string]string // ids by tier and name
}

func newChanger(remote *client.Client, s *declare.State) *changer {
	c := &changer{remote: remote, ids: map[declare.Key]string{}, limits: map[string]map[string]string{}}
	for key, held := range s.Held {
		c.ids[key] = held.ID
		if key.Kind == declare.KindTier {
			c.limits[key.Name] = maps.Clone(held.Parts)
		}
	}
	return c
}

// make makes one change.
func (c *changer) make(ctx context.Context, change *declare.Change, defaultTier string) error {
	err := inFile(c.makeObject(ctx, change, defaultTier), change.Is)
	if err != nil || change.Manager == "" || change.Action == declare.Create {
		return err // what is created is marked from the start
	}
	id := c.ids[declare.Key{Kind: change.Kind, Name: change.Name}]
	_, err = client.SetManager(ctx, c.remote, client.SetManagerInput{Id: id, Manager: &change.Manager})
	return err
}

func (c *changer) makeObject(ctx context.Context, change *declare.Change, defaultTier string) error {
	switch {
	case change.Action == declare.Delete:
		return c.delete(ctx, change)
	case !change.Differs:
		return nil
	}
	var id string
	var err error
	switch is := change.Is.(type) {
	case *declare.Group:
		id, err = c.group(ctx, change, is)
	case *declare.Endpoint:
		id, err = c.endpoint(ctx, change, is)
	case *declare.Meter:
		id, err = c.meter(ctx, change, is)
	case *declare.Tier:
		id, err = c.tier(ctx, change, is)
	case *declare.Defaults:
		return c.defaults(ctx, change, is)
	case *declare.Account:
		return c.account(ctx, change, is, defaultTier)
	}
	c.ids[declare.Key{Kind: change.Kind, Name: change.Name}] = id
	return err
}

func (c *changer) delete(ctx context.Context, change *declare.Change) error {
	var err error
	switch change.Kind {
	case declare.KindGroup:
		_, err = client.DeleteEndpointGroup(ctx, c.remote, change.ID)
	case declare.KindEndpoint:
		_, err = client.DeleteEndpoint(ctx, c.remote, change.ID, &change.Held.Revision)
	case declare.KindMeter:
		_, err = client.DeleteMeter(ctx, c.remote, change.ID, &change.Held.Revision)
	case declare.KindTier:
		_, err = client.DeleteTier(ctx, c.remote, change.ID, &change.Held.Revision)
	}
	return err
}

// id finds what another object names; nil for no name.
func (c *changer) id(kind declare.Kind, name string) *string {
	return orNil(c.ids[declare.Key{Kind: kind, Name: name}])
}

func (c *changer) group(ctx context.Context, change *declare.Change, g *declare.Group) (string, error) {
	made, err := client.CreateEndpointGroup(ctx, c.remote, g.Name, orNil(change.Manager))
	return made.CreateEndpointGroup.Group.Id, err
}

func (c *changer) endpoint(ctx context.Context, change *declare.Change, e *declare.Endpoint) (string, error) {
	group := c.id(declare.KindGroup, e.Group)
	if id := change.ID; id != "" {
		input := client.UpdateEndpointInput{Id: id, Revision: &change.Held.Revision, Cost: &e.Cost, GroupId: group}
		if group == nil {
			input.Ungroup = orNil(true)
		}
		_, err := client.UpdateEndpoint(ctx, c.remote, input)
		return id, err
	}
	made, err := client.CreateEndpoint(ctx, c.remote, client.CreateEndpointInput{Method: e.Method, Template: e.Template, Cost: e.Cost, GroupId: group, Manager: orNil(change.Manager)})
	return made.CreateEndpoint.Endpoint.Id, err
}

func (c *changer) meter(ctx context.Context, change *declare.Change, m *declare.Meter) (string, error) {
	endpoint := c.id(declare.KindEndpoint, m.Endpoint)
	if id := change.ID; id != "" {
		input := client.UpdateMeterInput{Id: id, Revision: &change.Held.Revision, Unit: &m.Unit, Header: &m.Header, Hidden: &m.Hidden, EndpointId: endpoint}
		if endpoint == nil {
			input.AllEndpoints = orNil(true)
		}
		_, err := client.UpdateMeter(ctx, c.remote, input)
		return id, err
	}
	made, err := client.CreateMeter(ctx, c.remote, client.CreateMeterInput{Name: m.Name, Unit: m.Unit, Header: m.Header, Hidden: m.Hidden, EndpointId: endpoint, Manager: orNil(change.Manager)})
	return made.CreateMeter.Meter.Id, err
}

func (c *changer) tier(ctx context.Context, change *declare.Change, t *declare.Tier) (string, error) {
	limits := make([]client.LimitInput, len(t.Limits))
	for i, l := range t.Limits {
		limits[i] = c.limit(l, orNil(change.Held.Parts[l.Name]))
	}
	var got client.Tier
	switch {
	case change.Action == declare.Create:
		made, err := client.CreateTier(ctx, c.remote, client.CreateTierInput{Name: t.Name, Limits: limits, Manager: orNil(change.Manager)})
		if err != nil {
			return "", err
		}
		got = made.CreateTier.Tier
	case t.Move != nil:
		made, err := client.PublishTier(ctx, c.remote, client.PublishTierInput{TierId: change.ID, Revision: &change.Held.Revision, Limits: limits, Move: client.MoveInput{
			When: client.MoveWhen(t.Move.When), Steps: t.Move.Steps, StepMinutes: orNil(t.Move.StepMinutes),
		}})
		if err != nil {
			return change.ID, err
		}
		got = made.PublishTier.Tier.Tier
	default:
		made, err := client.UpdateTier(ctx, c.remote, client.UpdateTierInput{Id: change.ID, Revision: &change.Held.Revision, Limits: limits})
		if err != nil {
			return change.ID, err
		}
		got = made.UpdateTier.Tier
	}
	c.limits[t.Name] = map[string]string{}
	for _, l := range got.Limits {
		c.limits[t.Name][l.Name] = l.Id
	}
	return got.Id, nil
}

func (c *changer) limit(l declare.Limit, id *string) client.LimitInput {
	in := client.LimitInput{
		Id: id, Name: l.Name, Subject: client.LimitSubject(l.Subject), Selector: orNil(client.LimitSelector(l.Selector)),
		EndpointId: c.id(declare.KindEndpoint, l.Endpoint), GroupId: c.id(declare.KindGroup, l.Group),
		Measure: client.Measure(l.Measure), Kind: client.LimitKind(l.Kind), Amount: l.Amount, Period: client.Period(l.Period),
		Burst: orNil(l.Burst), Mode: client.LimitMode(l.Mode), GracePercent: orNil(l.GracePercent), GraceSeconds: orNil(l.GraceSeconds),
		FailMode: orNil(client.FailMode(l.FailMode)), RefundErrors: l.RefundErrors,
	}
	if a := l.Adaptive; a != nil {
		in.Adaptive = &client.AdaptiveInput{ErrorPercent: orNil(a.ErrorPercent), SlowMs: orNil(a.SlowMs), SlowPercent: orNil(a.SlowPercent), FloorPercent: a.FloorPercent}
	}
	return in
}

func (c *changer) defaults(ctx context.Context, change *declare.Change, d *declare.Defaults) error {
	tier, anonymous, revision := c.id(declare.KindTier, d.Tier), c.id(declare.KindTier, d.AnonymousTier), &change.Held.Revision
	if anonymous == nil {
		_, err := client.ClearAnonymousTier(ctx, c.remote, tier, revision)
		return err
	}
	_, err := client.SetDefaults(ctx, c.remote, client.DefaultsInput{Revision: revision, TierId: tier, AnonymousTierId: anonymous})
	return err
}

func (c *changer) account(ctx context.Context, change *declare.Change, a *declare.Account, defaultTier string) error {
	was, _ := change.Was.(*declare.Account)
	if was == nil {
		was = &declare.Account{}
	}
	id, err := c.accountItself(ctx, change, was, a)
	if err != nil {
		return err
	}
	tier := a.Tier
	if tier == "" {
		tier = defaultTier
	}
	if err := c.overrides(ctx, id, change, was, a, c.limits[tier]); err != nil {
		return err
	}
	return c.identities(ctx, id, change, was, a)
}

func (c *changer) accountItself(ctx context.Context, change *declare.Change, was, a *declare.Account) (string, error) {
	tier, labels := c.id(declare.KindTier, a.Tier), labelsOf(a.Labels)
	id, revision := change.ID, &change.Held.Revision
	if id == "" {
		made, err := client.CreateAccount(ctx, c.remote, client.CreateAccountInput{Name: a.Name, TierId: tier, TimeZone: a.TimeZone, BillingDay: a.BillingDay, Labels: labels})
		if err != nil {
			return "", err
		}
		id, revision = made.CreateAccount.Account.Id, nil
		was = &declare.Account{Tier: a.Tier, TimeZone: a.TimeZone, BillingDay: a.BillingDay, Labels: a.Labels, Status: "ACTIVE"}
	}
	input, differs := client.UpdateAccountInput{Id: id, Revision: revision}, false
	if was.Tier != a.Tier {
		input.TierId, differs = tier, true
		if tier == nil {
			input.UseDefaultTier = orNil(true)
		}
	}
	if was.TimeZone != a.TimeZone || was.BillingDay != a.BillingDay {
		input.TimeZone, input.BillingDay, differs = &a.TimeZone, &a.BillingDay, true
	}
	if !maps.Equal(was.Labels, a.Labels) {
		input.Labels, differs = append([]client.LabelInput{}, labels...), true
	}
	if was.Status != a.Status {
		input.Status, differs = orNil(client.AccountStatus(a.Status)), true
	}
	if !differs {
		return id, nil
	}
	_, err := client.UpdateAccount(ctx, c.remote, input)
	return id, err
}

func (c *changer) overrides(ctx context.Context, account string, change *declare.Change, was, is *declare.Account, limits map[string]string) error {
	for _, o := range was.Overrides {
		if slices.ContainsFunc(is.Overrides, func(other declare.Override) bool { return other.Limit == o.Limit }) {
			continue
		}
		id := change.Held.Parts[o.Limit]
		revision := change.Held.Revisions[id]
		if _, err := client.DeleteOverride(ctx, c.remote, id, &revision); err != nil {
			return fmt.Errorf("take away the override of %s: %w", o.Limit, inFile(err, nil))
		}
	}
	for _, o := range is.Overrides {
		if slices.ContainsFunc(was.Overrides, func(other declare.Override) bool { return other.Same(o) }) && was.Tier == is.Tier {
			continue
		}
		limit := limits[o.Limit]
		revision := new(int) // 0: there is none
		if change.Action == declare.Create {
			revision = nil // it may have an introductory one
		} else {
			*revision = change.Held.Revisions[limit]
		}
		_, err := client.SetOverride(ctx, c.remote, client.SetOverrideInput{
			AccountId: account, LimitId: limit, Revision: revision, Amount: o.Amount, Burst: orNil(o.Burst), Mode: orNil(client.LimitMode(o.Mode)), Until: o.Until, Note: o.Note,
		})
		if err != nil {
			return fmt.Errorf("override %s: %w", o.Limit, inFile(err, nil))
		}
	}
	return nil
}

func (c *changer) identities(ctx context.Context, account string, change *declare.Change, was, is *declare.Account) error {
	for _, i := range was.Identities {
		if slices.Contains(is.Identities, i) {
			continue
		}
		if _, err := client.RemoveIdentity(ctx, c.remote, change.Held.Parts[i.Key()]); err != nil {
			return fmt.Errorf("take away the identity %s: %w", i.Value, inFile(err, nil))
		}
	}
	for _, i := range is.Identities {
		if slices.Contains(was.Identities, i) {
			continue
		}
		_, err := client.AddIdentity(ctx, c.remote, client.AddIdentityInput{AccountId: account, Kind: client.IdentityKind(i.Kind), Value: i.Value, Issuer: i.Issuer})
		if err != nil {
			return fmt.Errorf("add the identity %s: %w", i.Value, inFile(err, nil))
		}
	}
	return nil
}
