package zone_test

import (
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane/zone"
)

func TestEveryNameIsAZone(t *testing.T) {
	names := zone.Names()
	if len(names) < 500 {
		t.Fatalf("%d names", len(names))
	}
	for _, name := range names {
		if got, err := zone.Load(name); err != nil || got.String() != name {
			t.Errorf("Load(%q) = %v, %v", name, got, err)
		}
	}
}

func TestOnlyNamesOfTheDatabaseAreZones(t *testing.T) {
	for _, name := range []string{
		"", "Local", "localtime", "posixrules", "Factory", "posix/Europe/Berlin", "right/Europe/Berlin", "right/UTC",
		"europe/berlin", "Europe/Berlin ", "Europe", "../Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin", "zone.tab", "Mars/Phobos",
	} {
		if got, err := zone.Load(name); err == nil {
			t.Errorf("Load(%q) = %v", name, got)
		}
	}
}

// The host may have a database of its own, or be told of one.
func TestTheHostsFilesAreNotAsked(t *testing.T) {
	t.Setenv("ZONEINFO", t.TempDir())
	berlin, err := zone.Load("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if at := time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC).In(berlin); at.Hour() != 3 {
		t.Errorf("the clock isn't put forward: %v", at)
	}
	if utc, err := zone.Load("UTC"); err != nil || utc != time.UTC {
		t.Errorf("UTC = %v, %v", utc, err)
	}
}

func TestAnUnknownZoneCountsAsUTC(t *testing.T) {
	var c zone.Cache
	for range 2 {
		if got := c.OrUTC("posix/Europe/Berlin"); got != time.UTC {
			t.Errorf("OrUTC = %v", got)
		}
		if got := c.OrUTC("Asia/Tokyo"); got.String() != "Asia/Tokyo" {
			t.Errorf("OrUTC = %v", got)
		}
	}
}
