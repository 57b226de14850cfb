package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

// unmatchedKept bounds the unmatched paths that are kept.
const unmatchedKept = 10_000

// KeepUnmatched adds requests to those of the sample of unmatched paths, each path
// given once. Of more than 10,000 paths it forgets those that were seen least, and of
// these the ones that were not seen for longest.
func (db *DB) KeepUnmatched(ctx context.Context, paths []controlplane.UnmatchedPath) error {
	methods, texts, requests := make([]string, len(paths)), make([]string, len(paths)), make([]int64, len(paths))
	for i, p := range paths {
		methods[i], texts[i], requests[i] = p.Method, p.Path, p.Requests
	}
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		// One at a time: of two, each would count rows that the other adds.
		if _, err := tx.Exec(ctx, `lock table unmatched_paths in share row exclusive mode`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			insert into unmatched_paths as u (method, path, requests)
			select * from unnest($1::text[], $2::text[], $3::bigint[])
			on conflict (method, path) do update set requests = u.requests + excluded.requests, last_seen_at = excluded.last_seen_at`,
			methods, texts, requests); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			delete from unmatched_paths where (method, path) in (
				select method, path from unmatched_paths order by requests desc, last_seen_at desc, method, path offset $1)`, unmatchedKept)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep unmatched paths: %w", err)
	}
	return nil
}

// UnmatchedPaths returns the paths that are kept, by path and method.
func (db *DB) UnmatchedPaths(ctx context.Context) ([]controlplane.UnmatchedPath, error) {
	paths, err := list[controlplane.UnmatchedPath](ctx, db.pool, `select method, path, requests, last_seen_at from unmatched_paths order by path, method`)
	if err != nil {
		return nil, fmt.Errorf("list unmatched paths: %w", err)
	}
	for i := range paths {
		paths[i].LastSeen = paths[i].LastSeen.UTC()
	}
	return paths, nil
}

// ForgetUnmatched deletes paths that were first seen before a time.
func (db *DB) ForgetUnmatched(ctx context.Context, before time.Time) error {
	if _, err := db.pool.Exec(ctx, `delete from unmatched_paths where first_seen_at < $1`, before); err != nil {
		return fmt.Errorf("forget unmatched paths: %w", err)
	}
	return nil
}
