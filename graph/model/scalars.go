// Package model holds the GraphQL types that are not the control plane's own
// nouns: payloads, inputs, and the scalars and enums as they are written.
package model

import (
	"io"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/plugin/wire"
)

// timeLayout is RFC 3339 in UTC, to the millisecond.
const timeLayout = "2006-01-02T15:04:05.000Z"

// MarshalTime writes an instant.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		io.WriteString(w, `"`+t.UTC().Format(timeLayout)+`"`)
	})
}

// UnmarshalTime reads an instant.
func UnmarshalTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, controlplane.Invalid("", "give an RFC 3339 time in quotes, such as 2026-01-31T12:00:00Z")
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}, controlplane.Invalid("", "%q is not an RFC 3339 time such as 2026-01-31T12:00:00Z", s)
	}
	return t, nil
}

// MarshalDate writes a calendar date, which is kept as its midnight in UTC.
func MarshalDate(t time.Time) graphql.Marshaler {
	return graphql.MarshalString(t.UTC().Format(time.DateOnly))
}

// UnmarshalDate reads a calendar date as its midnight in UTC.
func UnmarshalDate(v any) (time.Time, error) {
	s, _ := v.(string)
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, controlplane.Invalid("", "%q is not a date such as 2026-01-31", s)
	}
	return t, nil
}

var granularities = map[string]controlplane.Granularity{
	"MINUTE": controlplane.ByMinute, "HOUR": controlplane.ByHour,
	"DAY": controlplane.ByDay, "MONTH": controlplane.ByMonth,
}

// MarshalGranularity writes a granularity.
func MarshalGranularity(g controlplane.Granularity) graphql.Marshaler {
	return marshalEnum(granularities, g)
}

// UnmarshalGranularity reads a granularity.
func UnmarshalGranularity(v any) (controlplane.Granularity, error) {
	return unmarshalEnum(granularities, v)
}

var decisions = map[string]wire.Decision{
	"ALLOWED": wire.Allowed, "THROTTLED": wire.Throttled, "UNAUTHENTICATED": wire.Unauthenticated,
	"FORBIDDEN": wire.Forbidden, "UNREADY": wire.Unready, "CORRECTED": explore.Corrected, "IMPORTED": explore.Imported,
}

// MarshalDecision writes a decision.
func MarshalDecision(d wire.Decision) graphql.Marshaler { return marshalEnum(decisions, d) }

// UnmarshalDecision reads a decision.
func UnmarshalDecision(v any) (wire.Decision, error) { return unmarshalEnum(decisions, v) }

// DecisionName returns what a decision is called; empty for one that is none.
func DecisionName(d wire.Decision) string {
	for name, value := range decisions {
		if value == d {
			return name
		}
	}
	return ""
}

func marshalEnum[T comparable](names map[string]T, v T) graphql.Marshaler {
	for name, value := range names {
		if value == v {
			return graphql.MarshalString(name)
		}
	}
	return graphql.Null
}

func unmarshalEnum[T any](names map[string]T, v any) (T, error) {
	s, _ := v.(string)
	value, ok := names[s]
	if !ok {
		return value, controlplane.Invalid("", "%q is not one of the values that the schema names", s)
	}
	return value, nil
}

// MarshalInt64 writes a whole number.
func MarshalInt64(n int64) graphql.Marshaler { return graphql.MarshalInt64(n) }

// UnmarshalInt64 reads a whole number.
func UnmarshalInt64(v any) (int64, error) {
	n, err := graphql.UnmarshalInt64(v)
	if err != nil {
		return 0, controlplane.Invalid("", "give a whole number of up to 63 bits, without quotes")
	}
	return n, nil
}
