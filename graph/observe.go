package graph

import (
	"context"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/vektah/gqlparser/v2/ast"
)

// Observer is told of operations as they run.
type Observer interface {
	// Span begins a part of what is traced, and returns what ends it.
	Span(ctx context.Context, name string) (context.Context, func(error))
	// Operation tells of a query or mutation that has ended.
	Operation(kind string, failed bool, began time.Time)
}

// observe tells o of operations and of their fields at the root. Names in spans are
// the schema's, never the caller's.
func observe(server *handler.Server, o Observer) {
	server.AroundOperations(func(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
		began, kind := time.Now(), kindOf(ctx)
		ctx, end := o.Span(ctx, "GraphQL "+kind)
		answer := next(ctx)
		if kind == string(ast.Subscription) {
			end(nil) // what follows is many answers, for as long as somebody reads
			return answer
		}
		return func(ctx context.Context) *graphql.Response {
			response := answer(ctx)
			failed := response != nil && len(response.Errors) > 0
			var err error
			if failed {
				err = response.Errors
			}
			end(err)
			o.Operation(kind, failed, began)
			return response
		}
	})
	server.AroundRootFields(func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
		field := graphql.GetRootFieldContext(ctx)
		if kindOf(ctx) == string(ast.Subscription) || field == nil || strings.HasPrefix(field.Field.Name, "__") {
			return next(ctx)
		}
		ctx, end := o.Span(ctx, kindOf(ctx)+" "+field.Field.Name)
		defer end(nil)
		return next(ctx)
	})
}

func kindOf(ctx context.Context) string {
	if op := graphql.GetOperationContext(ctx).Operation; op != nil {
		return string(op.Operation)
	}
	return "unknown"
}
