package preview_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/preview"
	"github.com/weirhq/weir/controlplane/quota"
)

func perMinute(amount int64, change func(*controlplane.Limit)) controlplane.Limit {
	l := controlplane.Limit{
		ID: 1, Name: "one", Subject: controlplane.SubjectAccount, Selector: controlplane.SelectAll, Measure: controlplane.MeasureRequests,
		Kind: controlplane.Rate, Amount: amount, Burst: amount, Period: controlplane.Minute, Mode: controlplane.Enforce,
	}
	if change != nil {
		change(&l)
	}
	return l
}

// minuteOf is what account 1 asked in the minute that many after at.
func minuteOf(after, allowed int64, change func(*preview.Row)) preview.Row {
	r := preview.Row{Minute: at.Unix()/60 + after, Account: 1, Key: 1, Endpoint: 1, Allowed: allowed, Cost: allowed * 2, Bytes: allowed * 100}
	if change != nil {
		change(&r)
	}
	return r
}

func TestWhatALimitWouldHaveDone(t *testing.T) {
	post := func(r *preview.Row) { r.Endpoint = 2 }
	nowhere := func(r *preview.Row) { r.Endpoint = 0 }
	for name, c := range map[string]struct {
		limit           controlplane.Limit
		rows            []preview.Row
		atLeast, atMost int64
	}{
		"fewer than it allows":         {perMinute(100, nil), []preview.Row{minuteOf(0, 50, nil), minuteOf(2, 50, nil)}, 0, 0},
		"as many at the worst moments": {perMinute(100, nil), []preview.Row{minuteOf(0, 90, nil), minuteOf(1, 90, nil)}, 0, 80},
		"more than it can":             {perMinute(10, nil), []preview.Row{minuteOf(0, 50, nil)}, 30, 40},
		"what was throttled then too":  {perMinute(10, nil), []preview.Row{minuteOf(0, 10, func(r *preview.Row) { r.Throttled = 40 })}, 30, 40},
		"reads only":                   {perMinute(10, func(l *controlplane.Limit) { l.Selector = controlplane.SelectReads }), []preview.Row{minuteOf(0, 5, nil), minuteOf(0, 50, post)}, 0, 0},
		"reads that may be writes":     {perMinute(10, func(l *controlplane.Limit) { l.Selector = controlplane.SelectReads }), []preview.Row{minuteOf(0, 50, nowhere)}, 0, 40},
		"one endpoint": {perMinute(10, func(l *controlplane.Limit) { l.Selector, l.Endpoint = controlplane.SelectEndpoint, 2 }),
			[]preview.Row{minuteOf(0, 50, nil), minuteOf(0, 50, post)}, 30, 40},
		"a group": {perMinute(10, func(l *controlplane.Limit) { l.Selector, l.Group = controlplane.SelectGroup, 7 }),
			[]preview.Row{minuteOf(0, 50, nil), minuteOf(0, 50, post)}, 30, 40},
		"cost":             {perMinute(10, func(l *controlplane.Limit) { l.Measure = controlplane.MeasureCost }), []preview.Row{minuteOf(0, 50, nil)}, 40, 45},
		"bytes":            {perMinute(1000, func(l *controlplane.Limit) { l.Measure = controlplane.MeasureBytes }), []preview.Row{minuteOf(0, 50, nil)}, 30, 40},
		"a shadow":         {perMinute(10, func(l *controlplane.Limit) { l.Mode = controlplane.Shadow }), []preview.Row{minuteOf(0, 50, nil)}, 0, 0},
		"soft with grace":  {perMinute(10, func(l *controlplane.Limit) { l.Mode, l.GracePercent = controlplane.Soft, 50 }), []preview.Row{minuteOf(0, 50, nil)}, 20, 35},
		"soft for a while": {perMinute(10, func(l *controlplane.Limit) { l.Mode, l.GraceSeconds = controlplane.Soft, 50 }), []preview.Row{minuteOf(0, 50, nil)}, 0, 40},
		"each key of two": {perMinute(10, func(l *controlplane.Limit) { l.Subject = controlplane.SubjectKey }),
			[]preview.Row{minuteOf(0, 20, nil), minuteOf(0, 20, func(r *preview.Row) { r.Key = 2 })}, 0, 20},
		"a quota of days in the account's zone": {perMinute(10, func(l *controlplane.Limit) { l.Kind, l.Burst, l.Period = controlplane.Quota, 0, controlplane.Day }),
			[]preview.Row{minuteOf(0, 8, nil), minuteOf(1, 8, nil), minuteOf(23*60, 8, nil), minuteOf(24*60, 8, nil)}, 6 + 6, 6 + 6},
	} {
		t.Run(name, func(t *testing.T) {
			zone := time.FixedZone("an hour east", 3600) // its day begins at 23:00
			p := preview.New(controlplane.Range{From: at, To: at.Add(48 * time.Hour)}, []controlplane.Limit{c.limit}, nil,
				map[controlplane.ID]preview.Endpoint{1: {Method: "GET"}, 2: {Method: "POST", Group: 7}},
				[]preview.Account{{ID: 1, Calendar: quota.Calendar{Zone: zone, BillingDay: 1}}})
			for _, r := range c.rows {
				if err := p.Add(r); err != nil {
					t.Fatal(err)
				}
			}
			r := p.Report()
			if r.Total.AtLeast != c.atLeast || r.Total.AtMost != c.atMost {
				t.Errorf("%d to %d, want %d to %d", r.Total.AtLeast, r.Total.AtMost, c.atLeast, c.atMost)
			}
			var points preview.Harm
			for _, at := range r.Points {
				points.AtLeast += at.AtLeast
				points.AtMost += at.AtMost
			}
			if points.AtLeast != c.atLeast || points.AtMost != c.atMost {
				t.Errorf("the points have %d to %d", points.AtLeast, points.AtMost)
			}
		})
	}
}

func TestAReportIsByHarmAndKnowsOverrides(t *testing.T) {
	raised := map[controlplane.ID]controlplane.Override{1: {LimitID: 1, Amount: 30, Burst: 30}}
	p := preview.New(controlplane.Range{From: at, To: at.Add(time.Hour)}, []controlplane.Limit{perMinute(10, nil)}, nil, nil,
		[]preview.Account{{ID: 1, Calendar: utc}, {ID: 2, Calendar: utc, Overrides: raised}, {ID: 3, Calendar: utc}})
	of := func(id controlplane.ID) func(*preview.Row) { return func(r *preview.Row) { r.Account = id } }
	for _, r := range []preview.Row{minuteOf(0, 25, nil), minuteOf(0, 35, of(2)), minuteOf(0, 5, of(3)), minuteOf(0, 99, of(4)), minuteOf(3, 50, nil)} {
		if err := p.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	r := p.Report()
	first, worst, other := at, at.Add(3*time.Minute), at
	want := []preview.AccountHarm{
		{AccountID: 1, Harm: preview.Harm{Requests: 75, Figures: preview.Figures{AtLeast: 35, AtMost: 55}}, First: &first, Worst: &worst, WorstAtMost: 40, Limit: "one", LimitID: 1},
		{AccountID: 2, Harm: preview.Harm{Requests: 35, Figures: preview.Figures{AtMost: 5}}, First: &other, Worst: &other, WorstAtMost: 5, Limit: "one", LimitID: 1},
		{AccountID: 3, Harm: preview.Harm{Requests: 5}},
	}
	if diff := cmp.Diff(want, r.Accounts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Surely != 1 || r.Possibly != 2 || r.Total.Requests != 115 {
		t.Errorf("%+v", r)
	}
}
