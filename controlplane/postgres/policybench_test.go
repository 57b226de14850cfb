package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/book"
)

// BenchmarkPolicy reads and compiles the policy of 100,000 accounts with a key
// each, of which every tenth has an override.
func BenchmarkPolicy(b *testing.B) {
	url := databases.New(b)
	db, err := postgres.Open(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	tier, _, err := db.CreateTier(b.Context(), "Basic", []controlplane.Limit{perMinute(100), rate("hourly", 1000, controlplane.Hour, 1000)})
	if err != nil {
		b.Fatal(err)
	}
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	_, err = conn.Exec(b.Context(), `
		with a as (insert into accounts (name, tier_id) select 'account ' || n, $1 from generate_series(1, 100000) n returning id),
			k as (insert into keys (account_id, name, prefix, digest) select id, 'key', '', sha256(id::text::bytea) from a returning id)
		insert into overrides (account_id, limit_id, amount, note) select id, $2::bigint, 1000 + id, '' from a where id % 10 = 0`,
		tier.ID, tier.Limits[0].ID)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := conn.Exec(b.Context(), `analyze`); err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := db.Policy(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	policy, err := db.Policy(b.Context())
	if err != nil {
		b.Fatal(err)
	}
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
