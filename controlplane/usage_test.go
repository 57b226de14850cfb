package controlplane_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
)

func TestStretchesCoverTheRangeOnceAndInOrder(t *testing.T) {
	origin := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		from := origin.Add(time.Duration(rapid.IntRange(0, 800*24*60).Draw(t, "from")) * time.Minute)
		r := controlplane.Range{From: from, To: from.Add(time.Duration(rapid.IntRange(0, 200*24*60).Draw(t, "length")) * time.Minute)}
		at := r.From
		for _, s := range controlplane.Stretches(r) {
			if !s.From.Equal(at) || !s.From.Before(s.To) {
				t.Fatalf("%v: stretch %v to %v does not go on from %v", r, s.From, s.To, at)
			}
			if !s.Granularity.Truncate(s.From).Equal(s.From) || !s.Granularity.Truncate(s.To).Equal(s.To) {
				t.Fatalf("%v: %v to %v is not whole by the %v", r, s.From, s.To, s.Granularity)
			}
			at = s.To
		}
		if !at.Equal(r.To) {
			t.Fatalf("%v: covered up to %v only", r, at)
		}
	})
}

func TestStretchesAreFewAndCoarse(t *testing.T) {
	parse := func(s string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	var got []string
	for _, s := range controlplane.Stretches(controlplane.Range{From: parse("2026-01-30 22:58"), To: parse("2026-03-02 01:01")}) {
		got = append(got, s.Granularity.String()+" "+s.From.Format("01-02 15:04"))
	}
	want := []string{
		"minute 01-30 22:58", "hour 01-30 23:00", "day 01-31 00:00", "month 02-01 00:00",
		"day 03-01 00:00", "hour 03-02 00:00", "minute 03-02 01:00",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBucketRange(t *testing.T) {
	at := time.Date(2026, 3, 10, 12, 34, 56, 0, time.UTC)
	t.Run("widens to whole buckets", func(t *testing.T) {
		r, err := controlplane.BucketRange(at, at.Add(time.Second), controlplane.ByDay)
		if err != nil {
			t.Fatal(err)
		}
		want := controlplane.Range{From: time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC)}
		if diff := cmp.Diff(want, r); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("refuses an end before the beginning", func(t *testing.T) {
		_, err := controlplane.BucketRange(at, at.Add(-time.Hour), controlplane.ByMinute)
		wantFault(t, err, "to")
	})
	t.Run("refuses too many points", func(t *testing.T) {
		r, err := controlplane.BucketRange(at, at.AddDate(1, 0, 0), controlplane.ByMinute)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Buckets(controlplane.ByMinute)
		wantFault(t, err, "from")
	})
}

func TestRemainingAt(t *testing.T) {
	limit := controlplane.Limit{Kind: controlplane.Rate, Amount: 60, Period: controlplane.Minute, Burst: 100}
	seen := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	level := func(remaining int64) *controlplane.Level {
		return &controlplane.Level{Remaining: remaining, ObservedAt: seen}
	}
	for name, tc := range map[string]struct {
		level *controlplane.Level
		after time.Duration
		want  int64
	}{
		"never seen is full":        {nil, 0, 100},
		"as seen":                   {level(40), 0, 40},
		"fills with time":           {level(40), 10 * time.Second, 50},
		"is full after long":        {level(40), 1000 * time.Hour, 100},
		"a clock gone back":         {level(40), -time.Hour, 40},
		"in debt, nothing is left":  {level(-5), 2 * time.Second, 0},
		"out of debt":               {level(-5), 7 * time.Second, 2},
		"more than the burst of it": {level(500), 0, 100},
	} {
		t.Run(name, func(t *testing.T) {
			if got := limit.RemainingAt(tc.level, seen.Add(tc.after)); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func TestValidateEndpoint(t *testing.T) {
	for _, good := range []string{"/", "/v1/users", "/v1/users/", "/v1/users/{id}", "/a/{b}/c-d/%20x", "/v1/things:search"} {
		if err := controlplane.ValidateEndpoint(controlplane.Endpoint{Method: "GET", Template: good, Cost: 1}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "v1", "/v1//x", "/v1/{id}x", "/v1/{}", "/v1?x=1", "/v1/ü", "/v1;x=1", "/v1/../v2", "/v1/.", "/%61", "/caf%c3%a9", "/" + strings.Repeat("a/", 40)} {
		wantFault(t, controlplane.ValidateEndpoint(controlplane.Endpoint{Method: "GET", Template: bad, Cost: 1}), "template")
	}
	wantFault(t, controlplane.ValidateEndpoint(controlplane.Endpoint{Method: "get", Template: "/", Cost: 1}), "method")
	wantFault(t, controlplane.ValidateEndpoint(controlplane.Endpoint{Method: "GET", Template: "/", Cost: 0}), "cost")
}

func TestIDsAreTakenForTheirKindOnly(t *testing.T) {
	id, err := controlplane.KindAccount.Parse("id", controlplane.KindAccount.Format(42))
	if err != nil || id != 42 {
		t.Errorf("got %d, %v; want 42", id, err)
	}
	for _, bad := range []string{"", "42", "acc_", "acc_0", "acc_-1", "acc_+1", "acc_01", "acc_1 ", "tier_42", "acc_99999999999999999999"} {
		_, err := controlplane.KindAccount.Parse("id", bad)
		wantFault(t, err, "id")
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	s := controlplane.NewKeySecret(controlplane.Live)
	if strings.Contains(s.String(), s.Reveal()) || len(s.Prefix()) > len(s.Reveal())/2 {
		t.Errorf("the secret shows: %v, %v", s, s.Prefix())
	}
}

func wantFault(t *testing.T, err error, field string) {
	t.Helper()
	faults := controlplane.Faults(err)
	if len(faults) != 1 || faults[0].Field != field || faults[0].Code != controlplane.CodeValidation {
		t.Errorf("got %v, want one mistake in %s", err, field)
	}
}
