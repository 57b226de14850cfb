package controlplane

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/weirhq/weir/plugin/wire"
)

// Explain says in one sentence why a request was refused. The limit is the one
// that decided as it is now, or nil when there is none any more.
func (d Denial) Explain(limit *Limit) string {
	switch {
	case d.Decision == wire.Unauthenticated:
		return "Nobody could be identified: the request had no key, or one that is unknown, expired or revoked."
	case d.Decision == wire.Forbidden:
		return "The account or its key was suspended."
	case d.Decision == wire.Unready && d.LimitID == 0:
		return "The gateway had no policy yet."
	case d.Decision == wire.Unready && limit != nil:
		return "The gateway did not know how much of the limit " + limit.Name + " was left" + d.retry() + "."
	case d.LimitID == 0:
		return "The gateway could not know where a limit stood."
	case limit == nil:
		return "A limit refused it that has been deleted since" + d.retry() + "."
	}
	amount, stood := limit.Amount, ""
	for _, l := range d.Levels {
		if l.LimitID != d.LimitID {
			continue
		}
		if limit.Kind != Rate {
			amount = l.Amount // an override may have been in force
		}
		stood = fmt.Sprintf(": %s of %d left", left(l.Remaining), l.Amount)
	}
	return fmt.Sprintf("The limit %s allows %s%s%s%s.", limit.Name, limit.allowance(amount), limit.whose(), stood, d.retry())
}

func left(remaining int64) string {
	if remaining > 0 {
		return fmt.Sprintf("only %d", remaining)
	}
	if remaining < 0 {
		return fmt.Sprintf("%d in debt, none", -remaining)
	}
	return "none"
}

// allowance says how much a limit allows, as in 100 requests a minute.
func (l Limit) allowance(amount int64) string {
	unit := map[Measure]string{MeasureRequests: "request", MeasureBytes: "byte", MeasureCost: "cost unit"}[l.Measure]
	if amount != 1 {
		unit += "s"
	}
	switch {
	case l.Kind == Window:
		return fmt.Sprintf("%d %s in any %s", amount, unit, l.Period)
	case l.Period == Billing:
		return fmt.Sprintf("%d %s a billing period", amount, unit)
	case l.Kind == Quota:
		return fmt.Sprintf("%d %s a calendar %s", amount, unit, l.Period)
	case l.Period == Hour:
		return fmt.Sprintf("%d %s an hour", amount, unit)
	}
	return fmt.Sprintf("%d %s a %s", amount, unit, l.Period)
}

func (l Limit) whose() string {
	return map[LimitSubject]string{
		SubjectAccount: " to the whole account", SubjectKey: " to each key", SubjectAddress: " to each client address",
	}[l.Subject]
}

// retry says when the request would have been let through.
func (d Denial) retry() string {
	if d.RetryAfter <= 0 {
		return ""
	}
	at := d.At.Add(d.RetryAfter).UTC().Format(time.RFC3339)
	return fmt.Sprintf("; a retry would have succeeded after %s, at %s", lasting(d.RetryAfter), at)
}

// lasting says how long d is, as people say it, rounded up.
func lasting(d time.Duration) string {
	up := func(unit time.Duration) int { return int((d + unit - 1) / unit) }
	switch {
	case d <= 2*time.Minute:
		tenths := up(time.Second / 10)
		return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(tenths)/10), ".0") + " s"
	case d <= 2*time.Hour:
		return fmt.Sprintf("%d min", up(time.Minute))
	case d <= 48*time.Hour:
		minutes := up(time.Minute)
		if minutes%60 == 0 {
			return fmt.Sprintf("%d h", minutes/60)
		}
		return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
	}
	return fmt.Sprintf("%d days", up(24*time.Hour))
}

// Validate returns what is wrong with a filter.
func (f DenialFilter) Validate() error {
	if len(f.RequestID) > wire.MaxRequestIDBytes {
		return Invalid("requestId", "a request id has at most %d bytes", wire.MaxRequestIDBytes)
	}
	if strings.ContainsFunc(f.RequestID, unicode.IsControl) {
		return Invalid("requestId", "leave out control characters")
	}
	return nil
}
