package postgres

import (
	"context"
	"fmt"

	"github.com/weirhq/weir/controlplane/zone"
)

// UnknownZone is a time zone of accounts that this process does not know: it
// counts as UTC.
type UnknownZone struct {
	Name     string
	Accounts int
}

// UnknownZones returns the time zones of accounts that are not in the IANA database
// of this process, sorted by name. No edit gives one; an older or newer version or a
// script in the database may have.
func (db *DB) UnknownZones(ctx context.Context) ([]UnknownZone, error) {
	unknown, err := list[UnknownZone](ctx, db.pool, `
		select time_zone, count(*) from accounts where time_zone <> all($1) group by time_zone order by time_zone`, zone.Names())
	if err != nil {
		return nil, fmt.Errorf("look for unknown time zones: %w", err)
	}
	return unknown, nil
}
