package postgres_test

import (
	"context"
	"testing"

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
