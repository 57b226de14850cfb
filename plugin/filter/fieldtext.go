package filter

import (
	"math"
	"strconv"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/limit"
)

// The text of RateLimit-Policy depends on nothing but which of a plan's limits
// apply, so each plan keeps the last few.
const policyTexts = 4

type policyText struct {
	applies uint64
	text    string
}

// tightest is the limit of which the least part is left, for X-RateLimit-*.
type tightest struct {
	known            bool
	limit, remaining uint64
	resetNS          int64
}

// describe writes the RateLimit-Policy and RateLimit fields, as in
// draft-ietf-httpapi-ratelimit-headers-11: lists of all policies that apply and
// decide something; shadow limits are no business of the client's.
func (r *request) describe(q *question) {
	r.policyField = q.policyText()
	text := r.levelBuffer[:0]
	for i := q.n - 1; i >= 0; i-- {
		a := &q.asked[i]
		for _, l := range a.d.Levels {
			if a.part.shadow&(1<<l.Rule) != 0 {
				continue
			}
			if len(text) > 0 {
				text = append(text, ", "...)
			}
			text = q.plan.appendLevel(text, int(a.part.of[l.Rule]), l)
			if r.config.xRateLimit {
				r.tightest.consider(l)
			}
		}
	}
	r.levelField = text
	r.overField = q.overText()
}

// policyText returns the RateLimit-Policy field of a question.
func (q *question) policyText() string {
	place := &q.plan.texts[q.applies%policyTexts]
	if place.applies == q.applies && place.text != "" {
		return place.text
	}
	var text []byte
	for i := q.n - 1; i >= 0; i-- {
		a := &q.asked[i]
		for _, l := range a.d.Levels {
			if a.part.shadow&(1<<l.Rule) != 0 {
				continue
			}
			if len(text) > 0 {
				text = append(text, ", "...)
			}
			text = appendPolicy(text, q.plan.limit(a.part, l.Rule))
		}
	}
	*place = policyText{q.applies, string(text)}
	return place.text
}

// appendPolicy appends a limit as an item of RateLimit-Policy. Names of limits
// are lower-case letters, digits and hyphens, so quoting them needs no escapes.
// The numbers are those of the plan, also while an adaptive limit is tighter.
func appendPolicy(text []byte, l *book.Limit) []byte {
	text = appendName(text, l.Name)
	text = strconv.AppendUint(append(text, ";q="...), l.Amount, 10)
	switch l.Measure {
	case book.Bytes:
		text = append(text, `;qu="content-bytes"`...)
	case book.Cost:
		text = append(text, `;qu="weir-cost"`...)
	}
	if l.Kind == book.Quota {
		return appendQuotaPeriod(text, l.QuotaPeriod)
	}
	text = strconv.AppendUint(append(text, ";w="...), uint64(l.PeriodSeconds), 10)
	if l.Kind == book.Rate && l.Burst != l.Amount {
		text = strconv.AppendUint(append(text, ";weir-burst="...), l.Burst, 10)
	}
	return text
}

// appendQuotaPeriod names the period of a quota. Months differ in length, and so
// do days where clocks are changed: only an hour is a window of so many seconds.
func appendQuotaPeriod(text []byte, p book.QuotaPeriod) []byte {
	switch p {
	case book.Hour:
		return append(text, `;w=3600;weir-period="hour"`...)
	case book.Day:
		return append(text, `;weir-period="day"`...)
	case book.Month:
		return append(text, `;weir-period="month"`...)
	}
	return append(text, `;weir-period="billing"`...)
}

// evenNS is the longest time for which RateLimit tells all that is left. What has
// to last longer is told as an even part of it for this time, so that no client
// is invited to spend a month's quota in a second.
const evenNS = 3600 * second

// appendLevel appends where a limit of the plan stands as an item of RateLimit. A
// full bucket has no t: there won't be more.
func (y *plan) appendLevel(text []byte, index int, l limit.Level) []byte {
	of := &y.limits[index]
	text = append(text, y.items[index]...)
	remaining, next := max(l.Remaining, 0), l.NextNS
	all := remaining
	if of.Kind == book.Quota && next > evenNS && remaining > 0 {
		remaining = max(int64(float64(remaining)*(float64(evenNS)/float64(next))), 1)
		next = evenNS
	}
	text = strconv.AppendInt(text, remaining, 10)
	if next > 0 {
		text = strconv.AppendInt(append(text, ";t="...), wholeSeconds(next), 10)
	}
	if all != remaining {
		text = strconv.AppendInt(append(text, ";weir-left="...), all, 10)
	}
	return text
}

func appendName(text []byte, name string) []byte {
	return append(append(append(text, '"'), name...), '"')
}

// consider keeps l if a smaller part of it is left.
func (t *tightest) consider(l limit.Level) {
	remaining := uint64(max(l.Remaining, 0))
	if t.known && float64(remaining)*float64(t.limit) >= float64(t.remaining)*float64(l.Limit) {
		return
	}
	*t = tightest{true, l.Limit, remaining, l.NextNS}
}

// overText names, as a structured field, the soft limits that a request exceeded
// and yet passed: "monthly";mode=soft. "" for none.
func (q *question) overText() string {
	var text []byte
	for i := q.n - 1; i >= 0; i-- {
		a := &q.asked[i]
		if a.d.Over == 0 || !a.d.Allowed {
			continue
		}
		for rule := range a.part.rules {
			if a.d.Over&(1<<rule) == 0 {
				continue
			}
			if len(text) > 0 {
				text = append(text, ", "...)
			}
			text = append(appendName(text, q.plan.limit(a.part, rule).Name), ";mode=soft"...)
		}
	}
	return string(text)
}

// wholeSeconds rounds up.
func wholeSeconds(ns int64) int64 {
	if ns > math.MaxInt64-second {
		return math.MaxInt64 / second
	}
	return (ns + second - 1) / second
}
