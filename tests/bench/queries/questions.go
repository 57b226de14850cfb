package main

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"
)

// question is something that the dashboard asks: an operation, or a path of which
// it awaits the first bytes.
type question struct {
	page, name string
	operation  string
	variables  map[string]any
	path       string
}

const day = 24 * time.Hour

// spans are time ranges that the dashboard offers, with what it splits them by,
// and the year before, which can be asked for too.
var spans = []struct {
	name, granularity string
	length            time.Duration
}{{"1 hour", "MINUTE", time.Hour}, {"6 hours", "MINUTE", 6 * time.Hour}, {"24 hours", "HOUR", day}, {"7 days", "HOUR", 7 * day}, {"30 days", "DAY", 30 * day}, {"a year", "DAY", 364 * day}}

// questionsAt lists what is asked as of a moment.
func questionsAt(now time.Time) (all []question) {
	add := func(page, name, operation string, variables map[string]any) {
		all = append(all, question{page: page, name: name, operation: operation, variables: variables})
	}
	for _, s := range spans {
		from := now.Add(-s.length)
		if s.length > 31*day {
			from = from.Truncate(day) // minutes are not kept for so long
		}
		span := map[string]any{"from": from, "to": now}
		series := with(span, map[string]any{"granularity": s.granularity})
		add("Overview", s.name, "Overview", series)
		add("Overview", s.name+", limits at work", "LimitsAtWork", span)
		add("Accounts", s.name, "Accounts", with(span, map[string]any{"first": 50}))
		add("Account", s.name, "AccountUsage", with(series, map[string]any{"ids": []string{"acc_1"}}))
		add("Limit", s.name, "LimitEffect", with(series, map[string]any{"id": "lim_2"}))
		for _, e := range explored(s.length) {
			add("Usage", s.name+", "+e.name, e.operation, e.variables(series))
		}
		add("Usage", s.name+", hours of the week", "UsageHeat", map[string]any{"input": span})
		add("Usage", s.name+", hours of the week in Berlin, one account", "UsageHeat", map[string]any{
			"input": with(span, map[string]any{"timeZone": "Europe/Berlin", "filter": map[string]any{"accountIds": []string{"acc_1"}}}),
		})
	}
	month := map[string]any{"from": now.AddDate(0, 0, -30).Format(time.DateOnly), "to": now.Format(time.DateOnly)}
	add("Accounts", "24 hours, found by name", "Accounts", map[string]any{"from": now.Add(-day), "to": now, "first": 50, "search": "99"})
	add("Account", "limits, quotas, keys and what remains", "Account", map[string]any{"id": "acc_1"})
	add("Tiers", "all", "Tiers", nil)
	add("Endpoints", "all", "Endpoints", nil)
	add("Denials", "the newest", "Denials", nil)
	add("Denials", "of one account", "Denials", map[string]any{"accountId": "acc_7"})
	add("Denials", "by request id", "DenialLookup", map[string]any{"requestId": "req-77777"})
	add("Reconciliation", "31 days", "Reconciliation", month)
	add("Reconciliation", "31 days, the second page", "Reconciliation", with(month, map[string]any{"after": "50"}))
	add("Reconciliation", "31 days, one account", "Reconciliation", with(month, map[string]any{"accountId": "acc_1"}))
	add("Reconciliation", "31 days, by level and source", "ReconciliationParts", month)
	add("Reconciliation", "unaccounted usage", "UnaccountedUsage", map[string]any{"open": true})
	return append(all, exportsAt(now)...)
}

func with(a, b map[string]any) map[string]any {
	c := maps.Clone(a)
	maps.Copy(c, b)
	return c
}

// exploration is a question of the explorer's.
type exploration struct {
	name, operation string
	input           map[string]any
	columns         map[string]any
}

func (e exploration) variables(span map[string]any) map[string]any {
	return with(e.columns, map[string]any{"input": with(span, e.input)})
}

// explored lists what the explorer usually asks about a range of that length.
func explored(length time.Duration) (all []exploration) {
	requests := map[string]any{"requests": true, "throttled": false, "shadowed": false, "errors": false, "cost": false, "bytesIn": false, "bytesOut": false}
	p95 := map[string]any{"p50": false, "p95": true, "p99": false}
	split := func(by ...string) map[string]any { return map[string]any{"groupBy": by, "top": 10} }
	for _, by := range []string{"DECISION", "ACCOUNT", "KEY", "ENDPOINT", "STATUS", "TIER", "ACCOUNT,ENDPOINT"} {
		all = append(all, exploration{"by " + strings.ToLower(by), "ExploreCounts", split(strings.Split(by, ",")...), requests})
	}
	for _, by := range []string{"ENDPOINT", "ACCOUNT"} {
		all = append(all, exploration{"p95 by " + strings.ToLower(by), "ExploreLatency", split(by), p95})
	}
	account := map[string]any{"filter": map[string]any{"accountIds": []string{"acc_1"}}}
	endpoint := map[string]any{"filter": map[string]any{"endpointIds": []string{"end_1"}}}
	zone := map[string]any{"timeZone": "Europe/Berlin"}
	all = append(all,
		exploration{"one account by endpoint", "ExploreCounts", with(split("ENDPOINT"), account), requests},
		exploration{"one account by endpoint and status", "ExploreCounts", with(split("ENDPOINT", "STATUS"), account), requests},
		exploration{"one endpoint by account", "ExploreCounts", with(split("ACCOUNT"), endpoint), requests},
		exploration{"one endpoint, p95 by account", "ExploreLatency", with(split("ACCOUNT"), endpoint), p95},
		exploration{"in Berlin, by account", "ExploreCounts", with(split("ACCOUNT"), zone), requests},
	)
	if length <= 31*day {
		for _, by := range []string{"DECISION", "ACCOUNT", "ENDPOINT"} {
			all = append(all, exploration{"by " + strings.ToLower(by) + ", with the period before", "ExploreCounts", with(split(by), map[string]any{"compare": "PREVIOUS_PERIOD"}), with(requests, map[string]any{"compared": true})})
		}
	}
	return all
}

// exportsAt lists exports, of which the first bytes are awaited.
func exportsAt(now time.Time) (all []question) {
	for _, e := range []struct {
		name, granularity, groupBy string
		length                     time.Duration
	}{{"24 hours by the hour, by account", "HOUR", "ACCOUNT", day}, {"30 days by the day, by account", "DAY", "ACCOUNT", 30 * day}, {"30 days by the day, by account and endpoint", "DAY", "ACCOUNT,ENDPOINT", 30 * day}} {
		query := url.Values{"from": {now.Add(-e.length).Format(time.RFC3339)}, "to": {now.Format(time.RFC3339)}, "granularity": {e.granularity}, "groupBy": {e.groupBy}}
		all = append(all, question{page: "Export", name: e.name + ", first bytes", path: fmt.Sprintf("/api/v1/usage.csv?%s", query.Encode())})
	}
	return all
}
