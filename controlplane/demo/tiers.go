package demo

import (
	"context"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

// What limits are on.
const (
	createOrder = "POST /v1/orders"
	search      = "GET /v1/search"
	orderWrites = "order-writes" // the group of what changes orders
)

var endpoints = [...]controlplane.Endpoint{
	{Method: "GET", Template: "/v1/users/{id}", Cost: 1},
	{Method: "GET", Template: "/v1/orders", Cost: 1},
	{Method: "POST", Template: "/v1/orders", Cost: 1},
	{Method: "GET", Template: "/v1/orders/{id}", Cost: 1},
	{Method: "PUT", Template: "/v1/orders/{id}", Cost: 1},
	{Method: "DELETE", Template: "/v1/orders/{id}", Cost: 1},
	{Method: "GET", Template: "/v1/search", Cost: 1},
}

// scope is what limits may be on: endpoints by method and template, and the
// group of order writes.
type scope struct {
	endpoints map[string]controlplane.ID
	writes    controlplane.ID
}

// basic has plain rates, and beside the first a shadow of what might replace it.
func basic(s scope) []controlplane.Limit {
	strict := window("per-minute-strict", 100, controlplane.Minute)
	strict.Mode = controlplane.Shadow
	return []controlplane.Limit{
		perMinute("per-minute", 100), s.on(createOrder, perMinute("orders", 20)), s.on(search, perMinute("search", 30)), strict,
	}
}

// professional has a monthly quota, a rate of bytes, and a search that tightens
// while it fails.
func professional(s scope) []controlplane.Limit {
	find := s.on(search, perMinute("search", 300))
	find.Adaptive = controlplane.Adaptive{ErrorPercent: 50, FloorPercent: 25}
	month := perMinute("per-month", 1_000_000)
	month.Kind, month.Period, month.Burst = controlplane.Quota, controlplane.Month, 0
	transfer := perMinute("transfer", 1_000_000_000)
	transfer.Measure, transfer.Period, transfer.Burst = controlplane.MeasureBytes, controlplane.Hour, 200_000_000
	return []controlplane.Limit{perMinute("per-minute", 1000), s.on(createOrder, perMinute("orders", 200)), find, month, transfer}
}

// enterprise has a sliding window on all that changes orders, and a soft rate.
func enterprise(s scope) []controlplane.Limit {
	writes := window("order-writes", 3000, controlplane.Minute)
	writes.Selector, writes.Group = controlplane.SelectGroup, s.writes
	second := perMinute("per-second", 200)
	second.Period, second.Burst, second.Mode = controlplane.Second, 400, controlplane.Soft
	return []controlplane.Limit{
		perMinute("per-minute", 10_000), s.on(createOrder, perMinute("orders", 2000)), s.on(search, perMinute("search", 3000)), writes, second,
	}
}

// anonymous is for callers without an account.
func anonymous() []controlplane.Limit {
	l := perMinute("per-address", 30)
	l.Subject = controlplane.SubjectAddress
	return []controlplane.Limit{l}
}

// perMinute is a rate of an account's requests.
func perMinute(name string, amount int64) controlplane.Limit {
	return controlplane.Limit{
		Name: name, Subject: controlplane.SubjectAccount, Selector: controlplane.SelectAll, Measure: controlplane.MeasureRequests,
		Kind: controlplane.Rate, Amount: amount, Period: controlplane.Minute, Burst: amount, Mode: controlplane.Enforce, FailOpen: true,
	}
}

// window is a sliding window of an account's requests.
func window(name string, amount int64, period controlplane.Period) controlplane.Limit {
	l := perMinute(name, amount)
	l.Kind, l.Period, l.Burst = controlplane.Window, period, 0
	return l
}

// on makes a limit count the requests to one endpoint.
func (s scope) on(endpoint string, l controlplane.Limit) controlplane.Limit {
	l.Selector, l.Endpoint = controlplane.SelectEndpoint, s.endpoints[endpoint]
	return l
}

// seedScope makes the endpoints and the group that are missing.
func seedScope(ctx context.Context, db *postgres.DB) (s scope, err error) {
	if s.writes, err = seedGroup(ctx, db); err != nil {
		return s, err
	}
	existing, err := db.Endpoints(ctx)
	if err != nil {
		return s, err
	}
	s.endpoints = map[string]controlplane.ID{}
	for _, e := range existing {
		s.endpoints[e.Method+" "+e.Template] = e.ID
	}
	for _, e := range endpoints {
		name := e.Method + " " + e.Template
		if s.endpoints[name] != 0 {
			continue
		}
		if e.Method != "GET" {
			e.GroupID = s.writes
		}
		made, _, err := db.CreateEndpoint(ctx, e)
		if err != nil {
			return s, err
		}
		s.endpoints[name] = made.ID
	}
	return s, nil
}

func seedGroup(ctx context.Context, db *postgres.DB) (controlplane.ID, error) {
	groups, err := db.EndpointGroups(ctx)
	if err != nil {
		return 0, err
	}
	for _, g := range groups {
		if g.Name == orderWrites {
			return g.ID, nil
		}
	}
	group, _, err := db.CreateEndpointGroup(ctx, orderWrites)
	return group.ID, err
}
