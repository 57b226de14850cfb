package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// query is one question of the dashboard's.
type query struct{ name, operation string }

// queriesAt lists the questions as of a moment.
func queriesAt(now time.Time) []query {
	ago := func(d time.Duration) string { return now.Add(-d).Format(time.RFC3339) }
	const day = 24 * time.Hour
	to := now.Format(time.RFC3339)
	totals := `totals{requests allowed throttled refused errors bytesIn bytesOut latency{p50 p95 p99}}`
	figures := `{requests allowed throttled refused shadowed errors cost bytesIn bytesOut latency{p50 p95}}`
	report := `{points totals` + figures + ` series{requests allowed throttled errors p95} groups{label values share totals` + figures + ` previous{requests} series{requests}} other{totals{requests}} previous{totals` + figures + ` series{requests}}}`
	list := []query{
		{"overview, last hour by the minute", fmt.Sprintf(`{usage(from:%q,to:%q,granularity:MINUTE){points{at %s} %s}}`, ago(time.Hour), to, totals, totals)},
		{"overview, 24 hours by the hour", fmt.Sprintf(`{usage(from:%q,to:%q,granularity:HOUR){points{at %s} %s}}`, ago(day), to, totals, totals)},
		{"overview, 30 days by the day", fmt.Sprintf(`{usage(from:%q,to:%q,granularity:DAY){points{at %s} %s}}`, ago(30*day), to, totals, totals)},
		{"top consumers, last hour", fmt.Sprintf(`{topConsumers(from:%q,to:%q){account{name} share %s}}`, ago(time.Hour), to, totals)},
		{"top consumers, 24 hours", fmt.Sprintf(`{topConsumers(from:%q,to:%q){account{name} share %s}}`, ago(day), to, totals)},
		{"top consumers, 30 days", fmt.Sprintf(`{topConsumers(from:%q,to:%q){account{name} share %s}}`, ago(30*day), to, totals)},
		{"the largest account, 24 hours", fmt.Sprintf(`{account(id:"acc_1"){name usage(from:%q,to:%q){requests latency{p95}}} usage(from:%[1]q,to:%[2]q,granularity:HOUR,filter:{accountIds:["acc_1"]}){points{at %[3]s} %[3]s}}`, ago(day), to, totals)},
		{"the largest account, 30 days", fmt.Sprintf(`{account(id:"acc_1"){name usage(from:%q,to:%q){requests latency{p95}}} usage(from:%[1]q,to:%[2]q,granularity:DAY,filter:{accountIds:["acc_1"]}){points{at %[3]s} %[3]s}}`, ago(30*day), to, totals)},
	}
	for _, by := range []string{"", "ACCOUNT", "KEY", "ENDPOINT", "STATUS", "DECISION", "TIER"} {
		for _, span := range []struct {
			name, granularity string
			length            time.Duration
		}{{"24 hours", "HOUR", day}, {"30 days", "DAY", 30 * day}} {
			list = append(list, query{
				"explorer, " + span.name + ", by " + by,
				fmt.Sprintf(`{explore(input:{from:%q,to:%q,granularity:%s,groupBy:[%s],compare:PREVIOUS_PERIOD})%s}`, ago(span.length), to, span.granularity, by, report),
			})
		}
	}
	return append(list,
		query{"explorer, 30 days in Berlin, by ACCOUNT", fmt.Sprintf(`{explore(input:{from:%q,to:%q,granularity:DAY,timeZone:"Europe/Berlin",groupBy:[ACCOUNT],compare:PREVIOUS_PERIOD})%s}`, ago(30*day), to, report)},
		query{"explorer, 30 days, one account by ENDPOINT and STATUS", fmt.Sprintf(`{explore(input:{from:%q,to:%q,granularity:DAY,groupBy:[ENDPOINT,STATUS],filter:{accountIds:["acc_1"]}})%s}`, ago(30*day), to, report)},
		query{"explorer, 30 days, one endpoint by ACCOUNT", fmt.Sprintf(`{explore(input:{from:%q,to:%q,granularity:DAY,groupBy:[ACCOUNT],filter:{endpointIds:["end_1"]}})%s}`, ago(30*day), to, report)},
		query{"heat map, 30 days", fmt.Sprintf(`{heatMap(input:{from:%q,to:%q,timeZone:"Europe/Berlin"}){total cells{weekday hour total mean}}}`, ago(30*day), to)},
		query{"heat map, 30 days, one account", fmt.Sprintf(`{heatMap(input:{from:%q,to:%q,filter:{accountIds:["acc_1"]}}){total cells{weekday hour total mean}}}`, ago(30*day), to)},
		query{"reconciliation of 31 days", fmt.Sprintf(`{reconciliation(from:%q,to:%q){matches totals{sent rolledUp} rowCount differing rows{date account{name} figures{sent rolledUp difference}}}}`, now.AddDate(0, 0, -30).Format(time.DateOnly), now.Format(time.DateOnly))},
	)
}

type client struct{ url, token string }

// ask returns how long an answer took to the last byte.
func (c client) ask(ctx context.Context, operation string) (time.Duration, error) {
	body, err := json.Marshal(map[string]string{"query": operation})
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.token)
	began := time.Now()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	took := time.Since(began)
	if err != nil || resp.StatusCode != http.StatusOK || bytes.HasPrefix(answer, []byte(`{"errors":`)) {
		return took, fmt.Errorf("%s: %d %.400s %w", operation, resp.StatusCode, answer, err)
	}
	return took, nil
}

// table asks all queries in turn, so many rounds, and writes their percentiles.
func (c client) table(ctx context.Context, queries []query, rounds int, slow bool) error {
	took := make([][]time.Duration, len(queries))
	for round := range rounds + 1 {
		for i, q := range queries {
			d, err := c.ask(ctx, q.operation)
			if err != nil {
				return err
			}
			if round > 0 { // the first warms caches
				took[i] = append(took[i], d)
			}
		}
	}
	fmt.Println("| query | p50 ms | p95 ms | worst ms |")
	fmt.Println("|---|---:|---:|---:|")
	for i, q := range queries {
		slices.Sort(took[i])
		at := func(part float64) float64 {
			return float64(took[i][min(len(took[i])-1, int(part*float64(len(took[i]))))].Microseconds()) / 1000
		}
		if !slow || at(0.95) > 100 {
			fmt.Printf("| %s | %.1f | %.1f | %.1f |\n", q.name, at(0.5), at(0.95), at(1))
		}
	}
	return nil
}
