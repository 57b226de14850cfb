package app

import (
	"context"

	"github.com/weirhq/weir/controlplane/telemetry"
)

// gauges adds what is asked for when the metrics are.
func (a *App) gauges() {
	number := func(n func() int) func(context.Context) (float64, error) {
		return func(context.Context) (float64, error) { return float64(n()), nil }
	}
	a.watch.Gauges(
		telemetry.Gauge{Name: "live_subscriptions", Help: "Open live subscriptions.", Value: number(a.Subscribers)},
		telemetry.Gauge{Name: "live_streams", Help: "Different ones among the live subscriptions.", Value: number(a.Streams)},
		telemetry.Gauge{Name: "database_connections", Help: "Open connections to Postgres.", Value: number(func() int { open, _ := a.db.Connections(); return open })},
		telemetry.Gauge{Name: "database_connections_used", Help: "Connections to Postgres that are in use.", Value: number(func() int { _, used := a.db.Connections(); return used })},
		telemetry.Gauge{Name: "accounts_unknown_zone", Help: "Accounts whose time zone is not in the IANA database; they are counted in UTC.", Value: number(a.sweeper.Unzoned)},
		telemetry.Gauge{Name: "stream_batches", Help: "Batches in the stream that aren't committed yet.", Value: func(ctx context.Context) (float64, error) {
			n, err := a.stream.Waiting(ctx)
			return float64(n), err
		}},
		telemetry.Gauge{Name: "policy_version", Help: "Version of the policy, at least the milliseconds since 1970 at its last edit.", Value: func(ctx context.Context) (float64, error) {
			state, err := a.db.PolicyState(ctx)
			return float64(state.Version), err
		}},
		telemetry.Gauge{Name: "snapshot_version", Help: "Version of the policy that this process hands out to filters; 0 before the first.", Value: func(context.Context) (float64, error) {
			return float64(a.snapshots.Version()), nil
		}},
	)
}
