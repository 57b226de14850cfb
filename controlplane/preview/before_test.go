package preview_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/preview"
	"github.com/weirhq/weir/controlplane/quota"
)

// A replay that begins within periods says of what follows what one from their start on
// says of it.
func TestAReplayTakesUpQuotasWhereTheyWere(t *testing.T) {
	zone := time.FixedZone("half past five east", 19800)
	account := preview.Account{ID: 1, Calendar: quota.Calendar{Zone: zone, BillingDay: 31}}
	endpoints := map[controlplane.ID]preview.Endpoint{1: {Method: "GET"}}
	rapid.Check(t, func(t *rapid.T) {
		l := perMinute(rapid.Int64Range(1, 300).Draw(t, "amount"), func(l *controlplane.Limit) {
			l.Kind, l.Burst = controlplane.Quota, 0
			l.Period = rapid.SampledFrom([]controlplane.Period{controlplane.Hour, controlplane.Day, controlplane.Month, controlplane.Billing}).Draw(t, "period")
			l.Subject = rapid.SampledFrom([]controlplane.LimitSubject{controlplane.SubjectAccount, controlplane.SubjectKey}).Draw(t, "subject")
			l.Selector = rapid.SampledFrom([]controlplane.LimitSelector{controlplane.SelectAll, controlplane.SelectReads}).Draw(t, "selector")
			l.Measure = rapid.SampledFrom([]controlplane.Measure{controlplane.MeasureRequests, controlplane.MeasureCost, controlplane.MeasureBytes}).Draw(t, "measure")
		})
		cut := at.Add(time.Duration(rapid.IntRange(1, 40*24*60).Draw(t, "cut")) * time.Minute)
		start := account.Calendar.At(l.Period, cut).Start
		var rows []preview.Row
		for m := start; m.Before(cut.Add(time.Hour)); m = m.Add(time.Duration(rapid.IntRange(7, 3000).Draw(t, "pause")) * time.Minute) {
			rows = append(rows, preview.Row{
				Minute: m.Unix() / 60, Account: 1, Key: controlplane.ID(rapid.IntRange(1, 2).Draw(t, "key")),
				Endpoint: controlplane.ID(rapid.IntRange(0, 1).Draw(t, "endpoint")), Allowed: 20, Cost: 40, Bytes: 60,
			})
		}
		play := func(r controlplane.Range, before func(*preview.Replay) error) preview.Figures {
			p := preview.New(r, []controlplane.Limit{l}, nil, endpoints, []preview.Account{account})
			err := before(p)
			for _, row := range rows {
				if m := time.Unix(row.Minute*60, 0); err == nil && !m.Before(r.From) && m.Before(r.To) {
					err = p.Add(row)
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			return p.Report().Total.Figures
		}
		nothing := func(*preview.Replay) error { return nil }
		end := cut.Add(time.Hour)
		all, sofar := play(controlplane.Range{From: start, To: end}, nothing), play(controlplane.Range{From: start, To: cut}, nothing)
		rest := play(controlplane.Range{From: cut, To: end}, func(p *preview.Replay) error {
			for _, row := range rows {
				if time.Unix(row.Minute*60, 0).Before(cut) {
					b := preview.Before{Account: 1, Period: l.Period, Key: row.Key, Endpoint: row.Endpoint, Surely: true, Requests: row.Allowed, Cost: row.Cost, Bytes: row.Bytes}
					if err := p.Begin(b); err != nil {
						return err
					}
				}
			}
			return nil
		})
		// A minute's part of a request is rounded, once in each replay.
		near := func(a, b int64) bool { return a-b <= 1 && b-a <= 1 }
		if !near(rest.AtLeast, all.AtLeast-sofar.AtLeast) || !near(rest.AtMost, all.AtMost-sofar.AtMost) {
			t.Fatalf("from the start on %+v, of which %+v before; but taken up %+v", all, sofar, rest)
		}
	})
}

func TestUsageThatMayLieBeforeAPeriodCountsForTheWorstOnly(t *testing.T) {
	daily := perMinute(10, func(l *controlplane.Limit) { l.Kind, l.Burst, l.Period = controlplane.Quota, 0, controlplane.Day })
	p := preview.New(controlplane.Range{From: at.Add(time.Hour), To: at.Add(48 * time.Hour)}, []controlplane.Limit{daily},
		map[controlplane.ID][]controlplane.Limit{9: {perMinute(3, nil)}}, nil, []preview.Account{{ID: 1, Calendar: utc, Version: 9}})
	for _, b := range []preview.Before{{Account: 1, Period: controlplane.Day, Surely: true, Requests: 4}, {Account: 1, Period: controlplane.Day, Requests: 3},
		{Account: 1, Period: controlplane.Month, Surely: true, Requests: 1000}, {Account: 2, Period: controlplane.Day, Requests: 9}} {
		if err := p.Begin(b); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []preview.Row{minuteOf(60, 8, nil), minuteOf(24*60, 8, nil)} { // today, and on a day of its own
		if err := p.Add(row); err != nil {
			t.Fatal(err)
		}
	}
	r := p.Report()
	if want := (preview.Harm{Requests: 16, Figures: preview.Figures{AtLeast: 2, AtMost: 5}, Today: preview.Figures{AtLeast: 4, AtMost: 10}}); r.Total != want {
		t.Errorf("%+v, want %+v", r.Total, want)
	}
	if r.Surely != 1 || r.SurelyToday != 1 || r.PossiblyToday != 1 {
		t.Errorf("%d would surely be throttled, today %d to %d", r.Surely, r.SurelyToday, r.PossiblyToday)
	}
}

// What is read of the time before a replay is all of it, once, and only what is kept.
func TestTheTimeSinceAPeriodsStartIsReadOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var kept [len(controlplane.Granularities)]time.Time
		for g, days := controlplane.ByMonth-1, 95; g >= controlplane.ByMinute; g-- {
			days = rapid.IntRange(0, days).Draw(t, g.String())
			kept[g] = at.AddDate(0, 0, 95-days)
		}
		from := kept[controlplane.ByMinute].Add(time.Duration(rapid.IntRange(0, 40*24*60).Draw(t, "from")) * time.Minute)
		start := from.Add(-time.Duration(rapid.IntRange(0, 31*24*4).Draw(t, "since")) * 15 * time.Minute).Truncate(15 * time.Minute)
		next := start
		for i, s := range preview.Since(start, from, kept) {
			whole := s.Granularity.Truncate(s.From).Equal(s.From) && s.Granularity.Truncate(s.To).Equal(s.To)
			switch {
			case !whole || s.From.Before(kept[s.Granularity]) && s.Granularity != controlplane.ByMonth:
				t.Fatalf("%v isn't of whole buckets that are kept", s)
			case !s.Surely && s.Granularity < controlplane.ByMonth && (i != 0 || !s.From.Before(start) || !s.To.After(start)):
				t.Fatalf("%v isn't the bucket that %v lies in", s, start)
			case (s.Surely || i > 0) && !s.From.Equal(next):
				t.Fatalf("%v doesn't begin at %v", s, next)
			}
			next = s.To
		}
		if next.Before(from) {
			t.Fatalf("it ends at %v, before %v", next, from)
		}
	})
}
