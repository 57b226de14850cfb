package controlplane_test

import (
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

func TestADenialIsExplained(t *testing.T) {
	at := time.Date(2026, 5, 14, 12, 0, 0, 0, time.UTC)
	perMinute := &controlplane.Limit{ID: 4, Name: "per-minute", Subject: controlplane.SubjectAccount, Measure: controlplane.MeasureRequests, Kind: controlplane.Rate, Amount: 100, Period: controlplane.Minute, Burst: 120}
	monthly := &controlplane.Limit{ID: 4, Name: "monthly", Subject: controlplane.SubjectKey, Measure: controlplane.MeasureBytes, Kind: controlplane.Quota, Amount: 100, Period: controlplane.Month}
	for name, tc := range map[string]struct {
		denial controlplane.Denial
		limit  *controlplane.Limit
		want   string
	}{
		"a rate": {
			controlplane.Denial{At: at, LimitID: 4, Decision: wire.Throttled, RetryAfter: 600 * time.Millisecond, Levels: []controlplane.DenialLevel{{LimitID: 3, Remaining: 7, Amount: 9}, {LimitID: 4, Remaining: 0, Amount: 120}}},
			perMinute, "The limit per-minute allows 100 requests a minute to the whole account: none of 120 left; a retry would have succeeded after 0.6 s, at 2026-05-14T12:00:00Z.",
		},
		"a quota with an override": {
			controlplane.Denial{At: at, LimitID: 4, Decision: wire.Throttled, RetryAfter: time.Hour, Levels: []controlplane.DenialLevel{{LimitID: 4, Remaining: -5, Amount: 200}}},
			monthly, "The limit monthly allows 200 bytes a calendar month to each key: 5 in debt, none of 200 left; a retry would have succeeded after 60 min, at 2026-05-14T13:00:00Z.",
		},
		"a wait of half a day": {
			controlplane.Denial{At: at, LimitID: 4, Decision: wire.Throttled, RetryAfter: 12*time.Hour - time.Millisecond}, perMinute,
			"The limit per-minute allows 100 requests a minute to the whole account; a retry would have succeeded after 12 h, at 2026-05-14T23:59:59Z.",
		},
		"a wait of days": {
			controlplane.Denial{At: at, LimitID: 4, Decision: wire.Throttled, RetryAfter: 300 * time.Hour}, nil,
			"A limit refused it that has been deleted since; a retry would have succeeded after 13 days, at 2026-05-27T00:00:00Z.",
		},
		"a limit that is gone": {controlplane.Denial{LimitID: 4, Decision: wire.Throttled}, nil, "A limit refused it that has been deleted since."},
		"no policy":            {controlplane.Denial{Decision: wire.Unready}, nil, "The gateway had no policy yet."},
		"no lease":             {controlplane.Denial{Decision: wire.Unready, LimitID: 4}, monthly, "The gateway did not know how much of the limit monthly was left."},
		"an unknown key":       {controlplane.Denial{Decision: wire.Unauthenticated}, nil, "Nobody could be identified: the request had no key, or one that is unknown, expired or revoked."},
		"a suspended account":  {controlplane.Denial{Decision: wire.Forbidden}, nil, "The account or its key was suspended."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.denial.Explain(tc.limit); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}
