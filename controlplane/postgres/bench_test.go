package postgres_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

// BenchmarkCommit adds batches of 1,000 keys each to the rollups, always the
// same keys, as the batches of one minute are.
func BenchmarkCommit(b *testing.B) {
	const keys = 1000
	db, err := postgres.Open(b.Context(), databases.New(b))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	big := batch(1, 0, 1, 1)
	entry := big.Entries[0]
	big.Entries = nil
	for i := range keys {
		entry.Account = uint64(i)
		entry.Latency = wire.Histogram{{Index: uint16(i % 300), Count: 1}}
		big.Entries = append(big.Entries, entry)
	}
	for b.Loop() {
		big.Sequence++
		if _, err := db.CommitBatches(context.Background(), []*wire.Batch{big}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(keys*b.N)/b.Elapsed().Seconds(), "deltas/s")
}

// BenchmarkReportLeases reports 1,000 leases at once, of which each asks, in
// turns by two processes.
func BenchmarkReportLeases(b *testing.B) {
	const accounts = 1000
	db, err := postgres.Open(b.Context(), databases.New(b))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	tier, _, err := db.CreateTier(b.Context(), "Basic", []controlplane.Limit{daily(1_000_000_000)})
	if err != nil {
		b.Fatal(err)
	}
	var reports [2]wire.LeaseReport
	for i := range accounts {
		account, _, err := db.CreateAccount(b.Context(), controlplane.NewAccount{Name: strconv.Itoa(i), TierID: tier.ID, TimeZone: "UTC", BillingDay: 1})
		if err != nil {
			b.Fatal(err)
		}
		key := wire.LeaseKey{Account: uint64(account.ID), Limit: uint64(tier.Limits[0].ID)}
		for p := range reports {
			reports[p].Process, reports[p].Node = wire.ProcessID{byte(p + 1)}, "gateway"
			reports[p].Held = append(reports[p].Held, wire.HeldLease{LeaseKey: key, Born: 1, Asks: true})
		}
	}
	for turn := 0; b.Loop(); turn++ {
		r := &reports[turn%2]
		reply, err := db.ReportLeases(b.Context(), r, midday)
		if err != nil {
			b.Fatal(err)
		}
		for i, l := range reply.Leases {
			h := &r.Held[i]
			h.Start, h.Revision, h.Granted, h.Used = l.Start, l.Revision, l.Granted, l.Granted-l.Granted/16
		}
	}
	b.ReportMetric(float64(accounts*b.N)/b.Elapsed().Seconds(), "leases/s")
}
