package cli

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane/client"
	"github.com/weirhq/weir/controlplane/zone"
)

// period is a range of time.
type period struct {
	Last     string `placeholder:"24h" xor:"from" field:"from" help:"The range that ends now: a number and m, h, d or w. The default is 24h."`
	From     string `placeholder:"TIME" xor:"from" help:"Where it begins: RFC 3339, or a date in the time zone."`
	To       string `placeholder:"TIME" help:"Where it ends, exclusive; by default now."`
	TimeZone string `default:"UTC" help:"IANA time zone of days and of dates."`
}

// span is a range of time, and what to count in it.
type span struct {
	period
	By       string   `enum:",minute,hour,day,month" default:"" field:"granularity" help:"One row for each minute, hour, day or month; by default totals."`
	Group    []string `enum:"account,key,endpoint,status,decision,tier" field:"groupBy" help:"What to split by, at most three with commas: account, key, endpoint, status, decision, tier."`
	Account  []string `sep:"none" help:"Only this account, a name or an id; NONE for nobody's. May be given again, as those below."`
	Endpoint []string `sep:"none" help:"Only this endpoint, an id or such as \"GET /v1/users/{id}\"; NONE for what matched none."`
	Tier     []string `sep:"none" help:"Only this tier, a name or an id."`
	Key      []string `help:"Only this key; an id."`
	Status   []int    `help:"Only this HTTP status."`
	Decision []string `help:"Only this decision: ALLOWED, THROTTLED, UNAUTHENTICATED, FORBIDDEN, UNREADY, CORRECTED or IMPORTED."`
}

// limits returns where the range begins and ends.
func (s period) limits(now time.Time) (from, to time.Time, err error) {
	location, err := zone.Load(s.TimeZone)
	if err != nil {
		return from, to, wrongUsage("--time-zone: %v", err)
	}
	to = now
	if s.To != "" {
		if to, err = momentOf("--to", s.To, location); err != nil {
			return from, to, err
		}
	}
	if s.From != "" {
		from, err = momentOf("--from", s.From, location)
		return from, to, err
	}
	last := s.Last
	if last == "" {
		last = "24h"
	}
	from, err = before(to, last, location)
	return from, to, err
}

func momentOf(flag, text string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return t, wrongUsage("%s: %q is no time; give one such as 2026-01-31T12:00:00Z, or a date such as 2026-01-31", flag, text)
	}
	return t, nil
}

// before returns the time that lies a length before another; days are those of the zone.
func before(to time.Time, length string, zone *time.Location) (time.Time, error) {
	const most = 100_000
	n, err := strconv.Atoi(strings.TrimRight(length, "mhdw"))
	if err == nil && n > 0 && n <= most {
		switch strings.TrimLeft(length, "0123456789") {
		case "m":
			return to.Add(-time.Duration(n) * time.Minute), nil
		case "h":
			return to.Add(-time.Duration(n) * time.Hour), nil
		case "d":
			return to.In(zone).AddDate(0, 0, -n), nil
		case "w":
			return to.In(zone).AddDate(0, 0, -7*n), nil
		}
	}
	return to, wrongUsage("--last: %q is no length; give a number and m, h, d or w, such as 24h", length)
}

// counted is a span with ids in the place of names.
type counted struct {
	from, to                    time.Time
	granularity                 string // empty: totals
	groupBy                     []string
	accounts, endpoints, tiers  []string
	keys, decisions, statusText []string
	statuses                    []int
}

func (s span) resolve(ctx context.Context, remote *client.Client, now time.Time) (c counted, err error) {
	if c.from, c.to, err = s.limits(now); err != nil {
		return c, err
	}
	c.granularity, c.keys, c.statuses = strings.ToUpper(s.By), s.Key, s.Status
	for _, g := range s.Group {
		c.groupBy = append(c.groupBy, strings.ToUpper(g))
	}
	for _, d := range s.Decision {
		c.decisions = append(c.decisions, strings.ToUpper(d))
	}
	for _, status := range s.Status {
		c.statusText = append(c.statusText, strconv.Itoa(status))
	}
	var err1, err2, err3 error
	c.accounts, err1 = all(ctx, remote, s.Account, accountID)
	c.endpoints, err2 = all(ctx, remote, s.Endpoint, endpointID)
	c.tiers, err3 = all(ctx, remote, s.Tier, tierID)
	return c, errors.Join(err1, err2, err3)
}

// query is what an export is asked for with.
func (c counted) query(zone string) url.Values {
	q := url.Values{"from": {c.from.Format(time.RFC3339)}, "to": {c.to.Format(time.RFC3339)}, "timeZone": {zone}}
	if c.granularity != "" {
		q.Set("granularity", c.granularity)
	}
	for name, values := range map[string][]string{
		"groupBy": c.groupBy, "account": c.accounts, "endpoint": c.endpoints, "tier": c.tiers,
		"key": c.keys, "status": c.statusText, "decision": c.decisions,
	} {
		if len(values) > 0 {
			q.Set(name, strings.Join(values, ","))
		}
	}
	return q
}

// input is what a question is asked with.
func (c counted) input(zone string, top int) client.ExploreInput {
	in := client.ExploreInput{
		From: c.from, To: &c.to, TimeZone: zone, Top: top, OrderBy: client.UsageMeasureRequests,
		Filter: &client.UsageFilter{AccountIds: c.accounts, EndpointIds: c.endpoints, TierIds: c.tiers, KeyIds: c.keys, Statuses: c.statuses},
	}
	if c.granularity != "" {
		g := client.Granularity(c.granularity)
		in.Granularity = &g
	}
	for _, g := range c.groupBy {
		in.GroupBy = append(in.GroupBy, client.UsageDimension(g))
	}
	for _, d := range c.decisions {
		in.Filter.Decisions = append(in.Filter.Decisions, client.Decision(d))
	}
	return in
}
