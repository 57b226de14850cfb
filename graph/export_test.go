package graph

import (
	"context"

	"github.com/weirhq/weir/graph/generated"
)

// NodeKinds returns the prefixes of ids by the names of their types.
func NodeKinds() map[string]string {
	prefixes := map[string]string{}
	for name, k := range new(Resolver).nodeKinds() {
		prefixes[name] = string(k.kind)
	}
	return prefixes
}

// Presenter is what turns errors into what callers are told.
var Presenter = presenter

// Weights are what fields count as in an operation's complexity.
func Weights() generated.ComplexityRoot {
	var c generated.Config
	weigh(&c)
	return c.Complexity
}

// Bound gives an answer its budget.
var Bound = bound

// BudgetOf returns an answer's budget.
var BudgetOf = budgetOf

// Take takes fields and bytes out of a budget.
func (b *budget) Take(fields, bytes int) error { return b.take(fields, bytes) }

// Known says whether a text is one of the documents.
func Known(ctx context.Context, d *Documents, text string) bool { return d.has(ctx, text) }
