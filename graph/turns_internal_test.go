package graph

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/graph/generated"
)

// asked is the context of a field of Query in an operation.
func asked(ctx context.Context, field string) context.Context {
	return graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Query", Field: graphql.CollectedField{Field: &ast.Field{Name: field}}})
}

func TestEffortsAreOfFields(t *testing.T) {
	query := generated.NewExecutableSchema(generated.Config{}).Schema().Query
	for name := range efforts {
		if query.Fields.ForName(name) == nil {
			t.Errorf("there is no field Query.%s", name)
		}
	}
}

// TestFieldsThatReadMuchTakeTurns has callers ask for a hundred such fields each.
func TestFieldsThatReadMuchTakeTurns(t *testing.T) {
	for field, want := range map[string]struct{ ofOne, ofMany int }{
		"auditVerify": {replaysAtOnce, replaysAtOnce},
		"usage":       {scansOfOne, scansAtOnce},
		"tier":        {200, 1000},
	} {
		t.Run(field, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				turns := newTurns()
				running, end := 0, make(chan struct{})
				started := make(chan struct{})
				operation := func(ctx context.Context, account controlplane.ID) {
					ctx = permit.With(ctx, permit.Grant{Account: account})
					for range 100 {
						go func() {
							_, err := turns.inTurn(asked(ctx, field), func(context.Context) (any, error) {
								started <- struct{}{}
								<-end
								return nil, nil
							})
							if err != nil && ctx.Err() == nil {
								t.Error(err)
							}
						}()
					}
				}
				count := func() int {
					for {
						synctest.Wait()
						select {
						case <-started:
							running++
						default:
							return running
						}
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				operation(ctx, 1)
				operation(ctx, 1)
				if n := count(); n != want.ofOne {
					t.Errorf("%d run of one caller, want %d", n, want.ofOne)
				}
				for account := range controlplane.ID(8) {
					operation(ctx, 2+account)
				}
				if n := count(); n != want.ofMany {
					t.Errorf("%d run of nine callers, want %d", n, want.ofMany)
				}
				cancel() // who waits gives up
				close(end)
				synctest.Wait()
				if len(turns.askers) != 0 || len(turns.scans) != 0 || len(turns.replays) != 0 {
					t.Errorf("in the end %d callers, %d and %d places are taken", len(turns.askers), len(turns.scans), len(turns.replays))
				}
			})
		})
	}
}
