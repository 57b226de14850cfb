package graph

import (
	"context"
	"fmt"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/permit"
)

// How many fields of queries read much of the database at once, so that the rest of
// its connections is there for the Envoys, for jobs and for what is quick.
const (
	scansAtOnce   = 6 // in this process
	scansOfOne    = 2 // of one caller
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
type turns struct {
	scans, replays chan struct{}

	mu     sync.Mutex
	askers map[string]*asker // who has a field that runs or waits
}

// asker has places of its own, so that the others need not wait for it.
type asker struct {
	places chan struct{}
	fields int // that run or wait
}

func newTurns() *turns {
	return &turns{scans: make(chan struct{}, scansAtOnce), replays: make(chan struct{}, replaysAtOnce), askers: map[string]*asker{}}
}

// inTurn has a field of Query wait for its turn, for as long as its operation has time.
func (t *turns) inTurn(ctx context.Context, next graphql.Resolver) (any, error) {
	field := graphql.GetFieldContext(ctx)
	if field.Object != "Query" || efforts[field.Field.Name] == lookup {
		return next(ctx)
	}
	name := askerOf(ctx)
	places := []chan struct{}{t.enter(name)}
	defer t.leave(name)
	if efforts[field.Field.Name] == replay {
		places = append(places, t.replays)
	}
	for _, place := range append(places, t.scans) {
		select {
		case place <- struct{}{}:
			defer func() { <-place }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return next(ctx)
}

// askerOf names who asks: of a customer's people and tokens, the account.
func askerOf(ctx context.Context) string {
	if account := permit.Held(ctx).Account; account != 0 {
		return controlplane.KindAccount.Format(account)
	}
	p, _ := auth.PrincipalOf(ctx)
	return fmt.Sprint(p.Kind, " ", p.ID)
}

func (t *turns) enter(name string) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.askers[name]
	if c == nil {
		c = &asker{places: make(chan struct{}, scansOfOne)}
		t.askers[name] = c
	}
	c.fields++
	return c.places
}

func (t *turns) leave(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.askers[name].fields--; t.askers[name].fields == 0 {
		delete(t.askers, name)
	}
}
