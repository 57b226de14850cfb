package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

// ExplainAccounts returns how the accounts that a filter finds are counted once there
// are too many of them to look at each.
func (db *DB) ExplainAccounts(ctx context.Context, f controlplane.AccountFilter) (plan string, err error) {
	var c conditions
	c.filter(f)
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `set local enable_seqscan = off`); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `explain select count(*) from accounts`+c.where(), c.args...)
		if err != nil {
			return err
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		plan = strings.Join(lines, "\n")
		return err
	})
	return plan, err
}
