package postgres_test

import (
	"fmt"
	"testing"

	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/book"
)

// BenchmarkPolicy reads and compiles the policy of 100,000 accounts with a key
// each, of which every tenth has an override: the whole of it, and what an edit of
// one account changed.
func BenchmarkPolicy(b *testing.B) {
	url := databases.New(b)
	db, err := postgres.Open(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	manyAccounts(b, db, url, 100_000)
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := db.Policy(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	reader := db.PolicyReader()
	policy, err := reader.Read(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	edited := 0
	edit := func(b *testing.B) {
		b.Helper()
		edited++
		account := newAccount(b, db, fmt.Sprint("edited ", edited), 0).ID
		if _, _, err := db.ResetAccount(b.Context(), account); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("read an edit", func(b *testing.B) {
		rows := 0
		for b.Loop() {
			b.StopTimer()
			edit(b)
			b.StartTimer()
			if policy, err = reader.Read(b.Context()); err != nil {
				b.Fatal(err)
			}
			rows += reader.RowsRead()
		}
		b.ReportMetric(float64(rows)/float64(b.N), "rows/op")
	})
	b.Run("compile", func(b *testing.B) {
		previous, err := book.Compile(policy, nil)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := book.Compile(policy, previous); err != nil {
				b.Fatal(err)
			}
		}
	})
}
