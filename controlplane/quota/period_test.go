package quota_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/quota"
	ianazone "github.com/weirhq/weir/controlplane/zone"
)

var kinds = []controlplane.Period{controlplane.Hour, controlplane.Day, controlplane.Month, controlplane.Billing}

// zones are those with habits of their own: half and quarter hours, midnights
// that are left out or come twice, days that never were, seconds in old offsets.
var zones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham",
	"Asia/Kolkata", "America/St_Johns", "America/Havana", "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo",
	"Pacific/Apia", "Pacific/Kwajalein", "Africa/Casablanca", "America/Caracas", "Asia/Pyongyang", "Asia/Tehran",
	"Africa/Monrovia", "Antarctica/Troll", "America/Scoresbysund", "Asia/Gaza", "Europe/Dublin", "Etc/GMT+12",
}

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestPeriodsTileTime(t *testing.T) {
	longest := map[controlplane.Period]time.Duration{
		// Nobody ever put a clock by more than a day.
		controlplane.Hour: 2 * time.Hour, controlplane.Day: 50 * time.Hour,
		controlplane.Month: 33 * 24 * time.Hour, controlplane.Billing: 33 * 24 * time.Hour,
	}
	rapid.Check(t, func(t *rapid.T) {
		c := quota.Calendar{Zone: zone(t, rapid.SampledFrom(zones).Draw(t, "zone")), BillingDay: rapid.IntRange(1, 31).Draw(t, "day")}
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		at := time.Unix(rapid.Int64Range(0, 4_200_000_000).Draw(t, "time"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		if rapid.Bool().Draw(t, "near a change of the clock") {
			if _, change := at.In(c.Zone).ZoneBounds(); !change.IsZero() {
				at = change.Add(time.Duration(rapid.Int64Range(-180, 180).Draw(t, "minutes")) * time.Minute)
			}
		}
		p := c.At(kind, at)
		switch {
		case !p.Contains(at):
			t.Fatalf("%v is not in %v", at, p)
		case p.End.Sub(p.Start) > longest[kind]:
			t.Fatalf("%v lasts %v", p, p.End.Sub(p.Start))
		case c.At(kind, p.Start) != p || c.At(kind, p.End.Add(-time.Second)) != p:
			t.Fatalf("%v is another one from its ends", p)
		}
		if next := c.At(kind, p.End); !next.Start.Equal(p.End) {
			t.Fatalf("%v is followed by %v", p, next)
		}
		if before := c.At(kind, p.Start.Add(-time.Second)); !before.End.Equal(p.Start) {
			t.Fatalf("%v comes after %v", p, before)
		}
	})
}

func TestPeriodsAroundChangesOfTheClock(t *testing.T) {
	for name, tc := range map[string]struct {
		zone       string
		kind       controlplane.Period
		day        int
		at         string
		start, end string
	}{
		"a day of 23 hours":                                {"Europe/Berlin", controlplane.Day, 1, "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		"a day of 25 hours":                                {"Europe/Berlin", controlplane.Day, 1, "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		"a month with a change":                            {"Europe/Berlin", controlplane.Month, 1, "2026-03-29T12:00:00Z", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"},
		"a midnight that is left out":                      {"Asia/Beirut", controlplane.Day, 1, "2025-03-30T10:00:00Z", "2025-03-29T22:00:00Z", "2025-03-30T21:00:00Z"},
		"a midnight that comes twice":                      {"America/Havana", controlplane.Day, 1, "2025-11-02T12:00:00Z", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z"},
		"one minute past midnight, back to the day before": {"America/St_Johns", controlplane.Day, 1, "2010-11-07T03:00:00Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z"},
		"a day that never was":                             {"Pacific/Apia", controlplane.Day, 1, "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},
		"the day after it":                                 {"Pacific/Apia", controlplane.Day, 1, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
		"an hour at three quarters":                        {"Asia/Kathmandu", controlplane.Hour, 1, "2026-05-01T10:20:00Z", "2026-05-01T10:15:00Z", "2026-05-01T11:15:00Z"},
		"an hour shown twice, the first":                   {"Europe/Berlin", controlplane.Hour, 1, "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"},
		"an hour shown twice, the second":                  {"Europe/Berlin", controlplane.Hour, 1, "2026-10-25T01:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"},
		"a clock put back by half":                         {"Australia/Lord_Howe", controlplane.Hour, 1, "2026-04-04T15:10:00Z", "2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z"},
		"a clock put forward by half":                      {"Australia/Lord_Howe", controlplane.Hour, 1, "2026-10-03T15:45:00Z", "2026-10-03T14:30:00Z", "2026-10-03T16:00:00Z"},
		"a billing day in February":                        {"UTC", controlplane.Billing, 31, "2026-02-28T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"},
		"a billing day before it":                          {"UTC", controlplane.Billing, 31, "2026-02-27T23:59:59Z", "2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"},
		"a billing day in a leap year":                     {"UTC", controlplane.Billing, 30, "2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-30T00:00:00Z"},
		"a billing period over new year":                   {"America/New_York", controlplane.Billing, 15, "2026-01-01T00:00:00Z", "2025-12-15T05:00:00Z", "2026-01-15T05:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tc.at)
			if err != nil {
				t.Fatal(err)
			}
			p := quota.Calendar{Zone: zone(t, tc.zone), BillingDay: tc.day}.At(tc.kind, at)
			if start, end := p.Start.Format(time.RFC3339), p.End.Format(time.RFC3339); start != tc.start || end != tc.end {
				t.Errorf("%s to %s, want %s to %s", start, end, tc.start, tc.end)
			}
		})
	}
}

func TestDaysBeginAtMidnight(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	c := quota.Calendar{Zone: berlin, BillingDay: 1}
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, berlin)
	hours := map[time.Duration]int{}
	for range 365 {
		p := c.At(controlplane.Day, at)
		if local := p.Start.In(berlin); local.Hour() != 0 || local.Minute() != 0 {
			t.Errorf("a day begins at %v", local)
		}
		hours[p.End.Sub(p.Start)]++
		at = p.End
	}
	if hours[24*time.Hour] != 363 || hours[23*time.Hour] != 1 || hours[25*time.Hour] != 1 {
		t.Errorf("days by length: %v", hours)
	}
}

// The last day of a leap year is the 366th.
func TestTheLastDayOfALeapYearIsInAPeriod(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "Australia/Adelaide", "America/New_York"} {
		place, err := ianazone.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, year := range []int{1996, 2024, 2028, 2400} {
			day := time.Date(year, 12, 31, 0, 0, 0, 0, place)
			for _, at := range []time.Time{day, day.Add(12 * time.Hour), day.Add(24*time.Hour - 1)} {
				for _, kind := range []controlplane.Period{controlplane.Hour, controlplane.Day, controlplane.Month} {
					p := quota.Calendar{Zone: place, BillingDay: 1}.At(kind, at)
					if !p.Contains(at) || kind == controlplane.Day && !p.Start.Equal(day) || kind == controlplane.Month && p.End.Sub(p.Start) != 31*24*time.Hour {
						t.Errorf("%s of %s is %v", kind, at, p)
					}
				}
			}
		}
	}
}
