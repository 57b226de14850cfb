package postgres_test

import (
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

// BenchmarkChangeAccounts changes 10,000 accounts alike.
func BenchmarkChangeAccounts(b *testing.B) {
	const accounts = 10_000
	url := databases.New(b)
	db, err := postgres.Open(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	var tiers [2]controlplane.Tier
	for i, name := range []string{"Basic", "Other"} {
		if tiers[i], _, err = db.CreateTier(b.Context(), name, []controlplane.Limit{perMinute(5)}); err != nil {
			b.Fatal(err)
		}
	}
	conn := dial(b, url)
	_, err = conn.Exec(b.Context(), `insert into accounts (name, tier_id) select 'account ' || i, $1 from generate_series(1, $2) i`, tiers[0].ID, accounts)
	if err != nil {
		b.Fatal(err)
	}
	// Each edit changes all of them each time.
	odd := []string{"0", "1"}
	for name, edit := range map[string]func(int) controlplane.AccountEdit{
		"labels": func(n int) controlplane.AccountEdit {
			return controlplane.AccountEdit{AddLabels: controlplane.Labels{"wave": odd[n%2]}}
		},
		"tier": func(n int) controlplane.AccountEdit {
			return controlplane.AccountEdit{TierID: &tiers[(n+1)%2].ID}
		},
		"status": func(n int) controlplane.AccountEdit {
			return controlplane.AccountEdit{Status: []controlplane.AccountStatus{controlplane.AccountSuspended, controlplane.AccountActive}[n%2]}
		},
	} {
		turn := 0
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				report, err := db.ChangeAccounts(b.Context(), postgres.BulkEdit{Edit: edit(turn), Most: accounts, Until: time.Now().Add(time.Hour)})
				if err != nil || report.Changed != accounts {
					b.Fatal(report.Changed, err)
				}
				turn++
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/accounts, "µs/account")
		})
	}
}
