package postgres

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/plugin/wire"
)

const recallChannel = "weir_recalls"

// announceRecalls has whoever watches know, once the transaction has committed,
// that leases of these processes are being recalled.
func announceRecalls(ctx context.Context, tx pgx.Tx, processes [][16]byte) error {
	if len(processes) == 0 {
		return nil
	}
	names := make([]string, len(processes))
	for i, p := range processes {
		names[i] = hex.EncodeToString(p[:])
	}
	if _, err := tx.Exec(ctx, `select pg_notify('`+recallChannel+`', name) from unnest($1::text[]) name`, names); err != nil {
		return fmt.Errorf("announce recalls: %w", err)
	}
	return nil
}

// WatchRecalls calls recalled for each process of which a lease is being recalled,
// until ctx ends or the connection breaks. What happened before isn't told: the
// process learns of it with its next report. It never returns nil.
func (db *DB) WatchRecalls(ctx context.Context, recalled func(wire.ProcessID)) error {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to watch recalls: %w", err)
	}
	raw := conn.Hijack() // it listens, so it must not go back into the pool
	defer raw.Close(context.WithoutCancel(ctx))
	if _, err := raw.Exec(ctx, `listen `+recallChannel); err != nil {
		return fmt.Errorf("listen for recalls: %w", err)
	}
	for {
		n, err := raw.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait for recalls: %w", err)
		}
		var process wire.ProcessID
		if name, err := hex.DecodeString(n.Payload); err == nil && len(name) == len(process) {
			recalled(wire.ProcessID(name))
		}
	}
}
