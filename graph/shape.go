package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/weirhq/weir/controlplane"
)

// Bounds of an operation's shape. What it costs is bounded apart; a reader of the
// whole schema goes 15 deep.
const (
	maxDepth = 20
	maxRoots = 100
)

// shape refuses an operation that is nested too deep, or has too many fields at its
// root, each under another alias.
type shape struct{}

// ExtensionName implements graphql.HandlerExtension.
func (shape) ExtensionName() string { return "Shape" }

// Validate implements graphql.HandlerExtension.
func (shape) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator. Fragments don't
// contain themselves: that was checked before.
func (shape) MutateOperationContext(_ context.Context, o *graphql.OperationContext) *gqlerror.Error {
	depths := map[string]int{}
	switch depth, roots := depthOf(o.Operation.SelectionSet, depths), rootsOf(o.Operation.SelectionSet, map[string]int{}); {
	case depth > maxDepth:
		return misshapen("the operation is %d fields deep; %d is the most", depth, maxDepth)
	case roots > maxRoots:
		return misshapen("the operation has %d fields at its root; %d is the most, send several operations", roots, maxRoots)
	}
	return nil
}

func misshapen(format string, args ...any) *gqlerror.Error {
	fault := gqlerror.Errorf(format, args...)
	fault.Extensions = map[string]any{"code": controlplane.CodeValidation}
	return fault
}

// depthOf returns how deep a selection is; each fragment is looked at once.
func depthOf(set ast.SelectionSet, fragments map[string]int) (deepest int) {
	for _, s := range set {
		depth := 0
		switch s := s.(type) {
		case *ast.Field:
			depth = 1 + depthOf(s.SelectionSet, fragments)
		case *ast.InlineFragment:
			depth = depthOf(s.SelectionSet, fragments)
		case *ast.FragmentSpread:
			known, ok := fragments[s.Name]
			if !ok {
				known = depthOf(s.Definition.SelectionSet, fragments)
				fragments[s.Name] = known
			}
			depth = known
		}
		deepest = max(deepest, depth)
	}
	return deepest
}

// rootsOf returns how many fields a selection has by itself; more than any bound
// counts as that many.
func rootsOf(set ast.SelectionSet, fragments map[string]int) (n int) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			n++
		case *ast.InlineFragment:
			n += rootsOf(s.SelectionSet, fragments)
		case *ast.FragmentSpread:
			known, ok := fragments[s.Name]
			if !ok {
				known = rootsOf(s.Definition.SelectionSet, fragments)
				fragments[s.Name] = known
			}
			n += known
		}
		n = min(n, maxTokens)
	}
	return n
}

// maxPersisted is how long an operation may be, in bytes, to be kept by its hash.
const maxPersisted = 16 << 10

// persisted keeps operations by their hashes, the last used ones, as automatic
// persisted queries have it
// (https://www.apollographql.com/docs/apollo-server/performance/apq). A long one is
// taken, and not kept.
type persisted struct{ *lru.LRU[string] }

// Add implements graphql.Cache.
func (p persisted) Add(ctx context.Context, hash, operation string) {
	if len(operation) <= maxPersisted {
		p.LRU.Add(ctx, hash, operation)
	}
}
