package controlplane_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
)

// perMinute is a limit without a mistake.
func perMinute() controlplane.Limit {
	return controlplane.Limit{
		Name: "per-minute", Subject: controlplane.SubjectAccount, Selector: controlplane.SelectAll, Measure: controlplane.MeasureRequests,
		Kind: controlplane.Rate, Amount: 100, Period: controlplane.Minute, Burst: 100, Mode: controlplane.Enforce, FailOpen: true,
	}
}

// but returns a limit without a mistake, with one change.
func but(change func(*controlplane.Limit)) controlplane.Limit {
	l := perMinute()
	change(&l)
	return l
}

func quota(l *controlplane.Limit) {
	l.Kind, l.Period, l.Burst = controlplane.Quota, controlplane.Month, 0
}

func window(l *controlplane.Limit) { l.Kind, l.Burst = controlplane.Window, 0 }

func TestValidateLimit(t *testing.T) {
	type limit = controlplane.Limit
	for name, tc := range map[string]struct {
		change func(*limit)
		want   []string // the fields at fault
	}{
		"a rate":                   {func(*limit) {}, nil},
		"a window of a day":        {func(l *limit) { window(l); l.Period = controlplane.Day }, nil},
		"a quota of a month":       {quota, nil},
		"a quota of a billing":     {func(l *limit) { quota(l); l.Period = controlplane.Billing }, nil},
		"a quota of each key":      {func(l *limit) { quota(l); l.Subject = controlplane.SubjectKey }, nil},
		"bytes with refunds":       {func(l *limit) { l.Measure, l.RefundErrors = controlplane.MeasureBytes, true }, nil},
		"an endpoint":              {func(l *limit) { l.Selector, l.Endpoint = controlplane.SelectEndpoint, 3 }, nil},
		"writes":                   {func(l *limit) { l.Selector = controlplane.SelectWrites }, nil},
		"addresses in a window":    {func(l *limit) { window(l); l.Subject = controlplane.SubjectAddress }, nil},
		"soft without a grace":     {func(l *limit) { l.Mode = controlplane.Soft }, nil},
		"soft with both graces":    {func(l *limit) { l.Mode, l.GracePercent, l.GraceSeconds = controlplane.Soft, 1000, 2_592_000 }, nil},
		"adaptive to errors":       {func(l *limit) { l.Adaptive = controlplane.Adaptive{ErrorPercent: 100, FloorPercent: 1} }, nil},
		"adaptive to both":         {func(l *limit) { l.Adaptive = controlplane.Adaptive{1, 600_000, 100, 99} }, nil},
		"the most":                 {func(l *limit) { l.Amount, l.Burst = controlplane.MaxAmount, controlplane.MaxAmount }, nil},
		"a name with capitals":     {func(l *limit) { l.Name = "Per-Minute" }, []string{"name"}},
		"no amount":                {func(l *limit) { l.Amount = 0 }, []string{"amount"}},
		"an amount beyond all":     {func(l *limit) { l.Amount = controlplane.MaxAmount + 1 }, []string{"amount"}},
		"an amount told once":      {func(l *limit) { l.Amount, l.Burst = -1, -1 }, []string{"amount"}},
		"no burst":                 {func(l *limit) { l.Burst = 0 }, []string{"burst"}},
		"a window with a burst":    {func(l *limit) { l.Kind = controlplane.Window }, []string{"burst"}},
		"a quota with a burst":     {func(l *limit) { quota(l); l.Burst = 7 }, []string{"burst"}},
		"a rate of a month":        {func(l *limit) { l.Period = controlplane.Month }, []string{"period"}},
		"a window of a billing":    {func(l *limit) { window(l); l.Period = controlplane.Billing }, []string{"period"}},
		"a quota of a minute":      {func(l *limit) { quota(l); l.Period = controlplane.Minute }, []string{"period"}},
		"no kind":                  {func(l *limit) { l.Kind, l.Burst = "", 0 }, []string{"kind"}},
		"no subject":               {func(l *limit) { l.Subject = "" }, []string{"subject"}},
		"no selector":              {func(l *limit) { l.Selector = "" }, []string{"selector"}},
		"no measure":               {func(l *limit) { l.Measure = "" }, []string{"measure"}},
		"no mode":                  {func(l *limit) { l.Mode = "" }, []string{"mode"}},
		"a quota of addresses":     {func(l *limit) { quota(l); l.Subject = controlplane.SubjectAddress }, []string{"kind"}},
		"endpoint without one":     {func(l *limit) { l.Selector = controlplane.SelectEndpoint }, []string{"endpointId"}},
		"an endpoint with reads":   {func(l *limit) { l.Selector, l.Endpoint = controlplane.SelectReads, 3 }, []string{"endpointId"}},
		"group without one":        {func(l *limit) { l.Selector = controlplane.SelectGroup }, []string{"groupId"}},
		"a group with all":         {func(l *limit) { l.Group = 3 }, []string{"groupId"}},
		"an endpoint and a group":  {func(l *limit) { l.Selector, l.Endpoint, l.Group = controlplane.SelectGroup, 1, 2 }, []string{"endpointId"}},
		"a grace with enforce":     {func(l *limit) { l.GracePercent = 10 }, []string{"gracePercent"}},
		"a grace with shadow":      {func(l *limit) { l.Mode, l.GraceSeconds = controlplane.Shadow, 10 }, []string{"graceSeconds"}},
		"too much grace":           {func(l *limit) { l.Mode, l.GracePercent, l.GraceSeconds = controlplane.Soft, 1001, 2_592_001 }, []string{"gracePercent", "graceSeconds"}},
		"a negative grace":         {func(l *limit) { l.Mode, l.GracePercent = controlplane.Soft, -1 }, []string{"gracePercent"}},
		"an adaptive quota":        {func(l *limit) { quota(l); l.Adaptive = controlplane.Adaptive{ErrorPercent: 1, FloorPercent: 1} }, []string{"adaptive"}},
		"adaptive to nothing":      {func(l *limit) { l.Adaptive = controlplane.Adaptive{FloorPercent: 50} }, []string{"adaptive.errorPercent"}},
		"slow, but how many":       {func(l *limit) { l.Adaptive = controlplane.Adaptive{SlowMS: 5, FloorPercent: 50} }, []string{"adaptive.slowPercent"}},
		"many, but how slow":       {func(l *limit) { l.Adaptive = controlplane.Adaptive{SlowPercent: 5, FloorPercent: 50} }, []string{"adaptive.slowMs"}},
		"adaptive without a floor": {func(l *limit) { l.Adaptive = controlplane.Adaptive{ErrorPercent: 5} }, []string{"adaptive.floorPercent"}},
		"adaptive beyond bounds": {func(l *limit) { l.Adaptive = controlplane.Adaptive{101, 600_001, 101, 100} },
			[]string{"adaptive.errorPercent", "adaptive.slowMs", "adaptive.slowPercent", "adaptive.floorPercent"}},
	} {
		t.Run(name, func(t *testing.T) {
			limits := []limit{but(tc.change)}
			var got []string
			for _, f := range controlplane.Faults(controlplane.ValidateTier(nil, &limits)) {
				got = append(got, f.Field)
				if f.Code != controlplane.CodeValidation || f.Message == "" {
					t.Errorf("%+v", f)
				}
			}
			var want []string
			for _, field := range tc.want {
				want = append(want, "limits.0."+field)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateTierNamesEveryMistake(t *testing.T) {
	name := "  "
	limits := []controlplane.Limit{
		perMinute(),
		but(func(l *controlplane.Limit) { l.ID, l.Amount, l.Burst = 5, 0, 0 }),
		but(func(l *controlplane.Limit) { l.ID, l.Name, l.Burst = 5, "Per Minute", -1 }),
		but(func(l *controlplane.Limit) { l.Name, l.Subject = "each", controlplane.SubjectAddress }),
	}
	var got []string
	for _, f := range controlplane.Faults(controlplane.ValidateTier(&name, &limits)) {
		got = append(got, f.Field)
	}
	want := []string{"name", "limits.1.name", "limits.1.amount", "limits.2.name", "limits.2.id", "limits.2.burst", "limits.3.subject"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOverridePutsItselfInPlaceOfALimit(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	past, future := now, now.Add(time.Second)
	soft := but(func(l *controlplane.Limit) { l.ID, l.Mode, l.GracePercent = 7, controlplane.Soft, 10 })
	window := but(func(l *controlplane.Limit) { window(l); l.ID = 7 })
	for name, tc := range map[string]struct {
		limit    controlplane.Limit
		override controlplane.Override
		want     controlplane.Limit
	}{
		"amount only":          {soft, controlplane.Override{LimitID: 7, Amount: 5}, but(func(l *controlplane.Limit) { *l = soft; l.Amount = 5 })},
		"amount and burst":     {soft, controlplane.Override{LimitID: 7, Amount: 5, Burst: 6, Until: &future}, but(func(l *controlplane.Limit) { *l = soft; l.Amount, l.Burst = 5, 6 })},
		"mode without a grace": {soft, controlplane.Override{LimitID: 7, Amount: 5, Mode: controlplane.Enforce}, but(func(l *controlplane.Limit) { *l = soft; l.Amount, l.Mode, l.GracePercent = 5, controlplane.Enforce, 0 })},
		"no burst of a window": {window, controlplane.Override{LimitID: 7, Amount: 5, Burst: 6}, but(func(l *controlplane.Limit) { *l = window; l.Amount = 5 })},
		"not another limit":    {soft, controlplane.Override{LimitID: 8, Amount: 5}, soft},
		"not after its end":    {soft, controlplane.Override{LimitID: 7, Amount: 5, Until: &past}, soft},
	} {
		t.Run(name, func(t *testing.T) {
			got := controlplane.Overridden([]controlplane.Limit{tc.limit}, []controlplane.Override{tc.override}, now)
			if diff := cmp.Diff([]controlplane.Limit{tc.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateOverride(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	future := now.Add(time.Hour)
	long := make([]byte, 501)
	for i := range long {
		long[i] = 'x'
	}
	good := controlplane.Override{Amount: 1, Burst: 1, Mode: controlplane.Shadow, Until: &future, Note: "agreed with sales"}
	if err := good.Validate(now); err != nil {
		t.Error(err)
	}
	for field, bad := range map[string]controlplane.Override{
		"amount": {Amount: 0}, "burst": {Amount: 1, Burst: -1}, "mode": {Amount: 1, Mode: "loud"},
		"until": {Amount: 1, Until: &now}, "note": {Amount: 1, Note: string(long)},
	} {
		wantFault(t, bad.Validate(now), field)
	}
	wantFault(t, good.Fits(but(quota)), "burst")
}

func TestValidateAccountAndKey(t *testing.T) {
	name, zone, day := "Birch", "America/St_Johns", 31
	if err := (controlplane.AccountEdit{Name: &name, TimeZone: &zone, BillingDay: &day}).Validate(time.Now()); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "Local", "Mars/Base", "../etc/passwd", "CET/", "localtime", "Factory", "posix/Europe/Berlin", "right/Europe/Berlin"} {
		wantFault(t, controlplane.ValidateTimeZone(bad), "timeZone")
	}
	for _, bad := range []int{0, 32, -1} {
		wantFault(t, (controlplane.AccountEdit{BillingDay: &bad}).Validate(time.Now()), "billingDay")
	}
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	wantFault(t, (&controlplane.NewKey{Name: "ci", ExpiresAt: &now}).Validate(now), "expiresAt")
	wantFault(t, controlplane.KeyEdit{ExpiresAt: &now, NeverExpires: true}.Validate(), "neverExpires")
	far := time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	wantFault(t, controlplane.KeyEdit{ExpiresAt: &far}.Validate(), "expiresAt")
}

func TestKeyStatusAt(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	later := now.Add(time.Nanosecond)
	for want, key := range map[controlplane.KeyStatus]controlplane.Key{
		controlplane.KeyLive:      {ExpiresAt: &later},
		controlplane.KeySuspended: {Suspended: true, ExpiresAt: &later},
		controlplane.KeyExpired:   {Suspended: true, ExpiresAt: &now},
		controlplane.KeyRevoked:   {RevokedAt: &later, ExpiresAt: &now},
	} {
		if got := key.StatusAt(now); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestIdentitiesOfDifferentKindsHaveDifferentDigests(t *testing.T) {
	jwt := controlplane.Identity{Kind: controlplane.JWTSubject, Value: "svc-1"}
	certificate := controlplane.Identity{Kind: controlplane.Certificate, Value: "svc-1"}
	if jwt.Digest() == certificate.Digest() {
		t.Error("a subject passes for a certificate's name")
	}
	issued := controlplane.Identity{Kind: controlplane.JWTSubject, Value: "svc-1", Issuer: "https://a.test"}
	if issued.Digest() == jwt.Digest() {
		t.Error("a subject of one issuer passes for one of any")
	}
	if err := issued.Validate(); err != nil {
		t.Error(err)
	}
	wantFault(t, controlplane.Identity{Kind: controlplane.Certificate, Value: "x", Issuer: "y"}.Validate(), "issuer")
	wantFault(t, controlplane.Identity{Kind: controlplane.JWTSubject, Value: "x", Issuer: "a\x00b"}.Validate(), "issuer")
	wantFault(t, controlplane.Identity{Kind: "cookie", Value: "x"}.Validate(), "kind")
	wantFault(t, controlplane.Identity{Kind: controlplane.JWTSubject, Value: "a\nb"}.Validate(), "value")
}
