package postgres_test

import (
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

// BenchmarkPreview plays an hour of 10,000 accounts with monthly quotas, late in the
// month: 600,000 rows by the minute, after 760,000 by the day and by the hour.
func BenchmarkPreview(b *testing.B) {
	const accounts = 10_000
	url := databases.New(b)
	db, err := postgres.Open(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	limits := []controlplane.Limit{perMinute(5)}
	quota := controlplane.Limit{Name: "monthly", Subject: controlplane.SubjectAccount, Selector: controlplane.SelectAll, Measure: controlplane.MeasureRequests,
		Kind: controlplane.Quota, Amount: 1000, Period: controlplane.Month, Mode: controlplane.Enforce}
	tier, _, err := db.CreateTier(b.Context(), "Basic", append(limits, quota))
	if err != nil {
		b.Fatal(err)
	}
	from := time.Date(2026, 6, 20, 16, 0, 0, 0, time.UTC)
	for day := range 20 { // makes the partitions
		one := batch(1, uint64(day+1), 1, 1)
		one.Entries[0].Minute = from.AddDate(0, 0, -day).Unix() / 60
		if _, err := db.CommitBatches(b.Context(), []*wire.Batch{one}); err != nil {
			b.Fatal(err)
		}
	}
	conn := dial(b, url)
	for _, sql := range []string{
		`insert into accounts (name, tier_id) select 'account ' || i, (select id from tiers where name = 'Basic') from generate_series(1, 10000) i`,
		`insert into usage_day select t, a, a, e, 0, 200, 1, 7, 0, 0, 7, 70, 700, 0, '' from generate_series('2026-06-01 00:00+00'::timestamptz, '2026-06-19 00:00+00', '1 day') t, generate_series(1, 10000) a, generate_series(1, 2) e`,
		`insert into usage_hour select t, a, a, e, 0, 200, 1, 7, 0, 0, 7, 70, 700, 0, '' from generate_series('2026-06-20 00:00+00'::timestamptz, '2026-06-20 15:00+00', '1 hour') t, generate_series(1, 10000) a, generate_series(1, 2) e`,
		`insert into usage_minute select t, a, a, 1, 0, 200, 1 + a % 2, 7, 0, 0, 7, 70, 700, 0, '' from generate_series('2026-06-20 16:00+00'::timestamptz, '2026-06-20 16:59+00', '1 minute') t, generate_series(1, 10000) a`,
		`vacuum analyze usage_minute`, `vacuum analyze usage_hour`, `vacuum analyze usage_day`, `analyze accounts`,
	} {
		if _, err := conn.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		report, err := db.Preview(b.Context(), postgres.PreviewQuestion{TierID: tier.ID, Range: controlplane.Range{From: from, To: from.Add(time.Hour)}})
		if err != nil || len(report.Accounts) != accounts || report.Total.Requests < 600_000*7 {
			b.Fatal(err)
		}
	}
}
