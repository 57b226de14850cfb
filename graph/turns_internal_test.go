package graph

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

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

// TestFieldsThatReadMuchTakeTurns has operations of a hundred such fields each.
func TestFieldsThatReadMuchTakeTurns(t *testing.T) {
	for field, want := range map[string]struct{ ofOne, ofMany int }{
		"auditVerify": {replaysAtOnce, replaysAtOnce},
		"usage":       {scansOfOne, scansAtOnce},
		"tier":        {100, 1000},
	} {
		t.Run(field, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				turns := newTurns()
				running, end := 0, make(chan struct{})
				started := make(chan struct{})
				operation := func(ctx context.Context) {
					ctx = withLoaders(ctx, &loaders{scans: make(chan struct{}, scansOfOne)})
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
				operation(ctx)
				if n := count(); n != want.ofOne {
					t.Errorf("%d run of one operation, want %d", n, want.ofOne)
				}
				for range 9 {
					operation(ctx)
				}
				if n := count(); n != want.ofMany {
					t.Errorf("%d run of ten operations, want %d", n, want.ofMany)
				}
				cancel() // who waits gives up
				close(end)
				synctest.Wait()
			})
		})
	}
}
