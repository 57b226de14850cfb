package postgres_test

import (
	"slices"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

// A script in the database, or another version, may have written any zone.
func TestAnUnknownTimeZoneStopsNobody(t *testing.T) {
	url := databases.New(t)
	db, conn := connect(t, url), dial(t, url)
	tier := newTier(t, db, "Metered", daily(1000))
	strange, plain := newAccount(t, db, "strange", tier.ID), newAccount(t, db, "plain", tier.ID)
	if _, err := conn.Exec(t.Context(), `update accounts set time_zone = 'posix/Europe/Berlin' where id = $1`, strange.ID); err != nil {
		t.Fatal(err)
	}
	t.Run("the usage of all is committed", func(t *testing.T) {
		commit(t, db, batch(1, 1, uint64(strange.ID), 5), batch(1, 2, uint64(plain.ID), 3))
		wantRequests(t, db, 8)
	})
	t.Run("all get their quota", func(t *testing.T) {
		var held []wire.HeldLease
		for _, account := range []controlplane.Account{strange, plain} {
			key := wire.LeaseKey{Account: uint64(account.ID), Limit: uint64(tier.Limits[0].ID)}
			held = append(held, asking(wire.HeldLease{LeaseKey: key, Born: 1}, true))
		}
		reply := send(t, db, wire.ProcessID{1}, time.Now(), held...)
		if len(reply.Leases) != 2 || reply.Leases[0].Granted == 0 || reply.Leases[1].Granted == 0 {
			t.Fatalf("granted %+v", reply.Leases)
		}
		if a, b := reply.Leases[0], reply.Leases[1]; a.Start != b.Start || a.End != b.End {
			t.Errorf("its day is from %d to %d, not that of UTC", a.Start, a.End)
		}
	})
	t.Run("a move at the ends of periods waits for both", func(t *testing.T) {
		limits := append([]controlplane.Limit(nil), tier.Limits...)
		limits[0].Amount = 2000
		tier = publish(t, db, controlplane.Publication{TierID: tier.ID, Limits: &limits, Move: controlplane.Migration{When: controlplane.MovePeriodEnd}})
		moves, err := db.PendingMoves(t.Context(), []controlplane.ID{strange.ID, plain.ID})
		if err != nil || len(moves) != 2 || !moves[0].DueAt.Equal(moves[1].DueAt) {
			t.Error(moves, err)
		}
	})
	t.Run("it is told of", func(t *testing.T) {
		unknown, err := db.UnknownZones(t.Context())
		if want := []postgres.UnknownZone{{Name: "posix/Europe/Berlin", Accounts: 1}}; err != nil || !slices.Equal(unknown, want) {
			t.Errorf("%v, %v; want %v", unknown, err, want)
		}
	})
}
