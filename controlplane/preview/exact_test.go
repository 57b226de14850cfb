package preview_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/preview"
	"github.com/weirhq/weir/controlplane/quota"
	"github.com/weirhq/weir/plugin/limit"
)

// at is a Friday's midnight in UTC.
var at = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

var utc = quota.Calendar{Zone: time.UTC, BillingDay: 1}

// request is one, at nanoseconds since at.
type request struct {
	ns  int64
	key int
}

func drawLimit(t *rapid.T, i int) controlplane.Limit {
	l := controlplane.Limit{
		ID: controlplane.ID(i + 1), Name: fmt.Sprint("l", i), Selector: controlplane.SelectAll, Measure: controlplane.MeasureRequests, Mode: controlplane.Enforce,
		Subject: rapid.SampledFrom([]controlplane.LimitSubject{controlplane.SubjectAccount, controlplane.SubjectKey}).Draw(t, "subject"),
		Kind:    rapid.SampledFrom([]controlplane.LimitKind{controlplane.Rate, controlplane.Window}).Draw(t, "kind"),
		Period:  rapid.SampledFrom([]controlplane.Period{controlplane.Second, controlplane.Minute, controlplane.Hour}).Draw(t, "period"),
		Amount:  rapid.Int64Range(1, 40).Draw(t, "amount"),
	}
	if l.Kind == controlplane.Rate {
		l.Burst = rapid.Int64Range(1, 40).Draw(t, "burst")
	}
	return l
}

// deny plays requests through package limit itself, and returns how many of each
// minute it denies. Limits of keys are rules of their own, of the same state, so that
// a request is charged to all or none.
func deny(t *rapid.T, limits []controlplane.Limit, keys int, requests []request) map[int64]int64 {
	var rules []limit.Rule
	applies := make([]uint64, keys)
	for _, l := range limits {
		of := 1
		if l.Subject == controlplane.SubjectKey {
			of = keys
		}
		for key := range of {
			kind := limit.Rate
			if l.Kind == controlplane.Window {
				kind = limit.Window
			}
			rules = append(rules, limit.Rule{ID: uint64(len(rules) + 1), Kind: kind, Amount: uint64(l.Amount), Burst: uint64(l.Burst), PeriodSeconds: uint32(l.Period.Seconds())})
			for k := range keys {
				if of == 1 || k == key {
					applies[k] |= 1 << (len(rules) - 1)
				}
			}
		}
	}
	state, err := limit.Seed(nil, 1, 0, 0, rules, 0)
	if err != nil {
		t.Fatal(err)
	}
	denied := map[int64]int64{}
	for _, r := range requests {
		next, d, err := limit.Decide(nil, state, limit.Request{Version: 1, Now: r.ns, Applies: applies[r.key], Take: [limit.Measures]uint64{1, 1, 1}}, rules, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d.Changed {
			state = next
		}
		if !d.Allowed {
			denied[r.ns/int64(time.Minute)]++
		}
	}
	return denied
}

// Whatever the order of the requests of a minute, package limit denies no fewer than
// atLeast and no more than atMost, up to every minute.
func TestEveryOrderOfRequestsLiesBetweenTheBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var limits []controlplane.Limit
		for i := range rapid.IntRange(1, 3).Draw(t, "limits") {
			limits = append(limits, drawLimit(t, i))
		}
		const minutes, keys = 6, 2
		var rows []preview.Row
		var requests []request
		for m := range int64(minutes) {
			for key := range keys {
				n := rapid.SampledFrom([]int{0, 0, 1, 5, 20, 60}).Draw(t, "requests")
				if n == 0 {
					continue
				}
				from := rapid.Int64Range(0, int64(time.Minute)-1).Draw(t, "from")
				to := rapid.Int64Range(from, int64(time.Minute)-1).Draw(t, "to")
				for range n {
					requests = append(requests, request{m*int64(time.Minute) + rapid.Int64Range(from, to).Draw(t, "at"), key})
				}
				rows = append(rows, preview.Row{Minute: at.Unix()/60 + m, Account: 1, Key: controlplane.ID(key + 1), Allowed: int64(n)})
			}
		}
		slices.SortStableFunc(requests, func(a, b request) int { return int(a.ns - b.ns) })
		denied := deny(t, limits, keys, requests)
		var sofar int64
		for m := range int64(minutes) {
			sofar += denied[m]
			p := preview.New(controlplane.Range{From: at, To: at.Add(minutes * time.Minute)}, limits, nil, nil, []preview.Account{{ID: 1, Calendar: utc}})
			for _, r := range rows {
				if r.Minute <= at.Unix()/60+m {
					if err := p.Add(r); err != nil {
						t.Fatal(err)
					}
				}
			}
			if r := p.Report(); sofar < r.Total.AtLeast || sofar > r.Total.AtMost {
				t.Fatalf("up to minute %d %d are denied, and not %d to %d", m, sofar, r.Total.AtLeast, r.Total.AtMost)
			}
		}
	})
}
