package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// How many fields of queries read much of the database at once, so that the rest of
// its connections is there for the Envoys, for jobs and for what is quick.
const (
	scansAtOnce   = 6 // in this process
	scansOfOne    = 3 // in one operation
	replaysAtOnce = 2 // in this process, of those that read for seconds
)

// effort is how much of the database a field of Query reads.
type effort int

const (
	lookup effort = iota
	scan          // a range of usage, of the audit log, or all accounts
	replay        // all of it
)

var efforts = map[string]effort{
	"accounts": scan, "auditLog": scan, "denials": scan, "explore": scan, "heatMap": scan, "limitActivity": scan, "limitEffect": scan,
	"reconciliation": scan, "suggestedEndpoints": scan, "topConsumers": scan, "unaccountedUsage": scan, "usage": scan,
	"auditVerify": replay, "preview": replay,
}

// turns are the places of fields that read much.
type turns struct{ scans, replays chan struct{} }

func newTurns() *turns {
	return &turns{make(chan struct{}, scansAtOnce), make(chan struct{}, replaysAtOnce)}
}

// inTurn has a field of Query wait for its turn, for as long as its operation has time.
func (t *turns) inTurn(ctx context.Context, next graphql.Resolver) (any, error) {
	field := graphql.GetFieldContext(ctx)
	if field.Object != "Query" {
		return next(ctx)
	}
	places := []chan struct{}{loadersOf(ctx).scans}
	switch efforts[field.Field.Name] {
	case lookup:
		return next(ctx)
	case scan:
		places = append(places, t.scans)
	case replay:
		places = append(places, t.replays, t.scans)
	}
	for _, place := range places {
		select {
		case place <- struct{}{}:
			defer func() { <-place }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return next(ctx)
}
