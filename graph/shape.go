package graph

import (
	"context"
	"slices"

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
	maxParts = 20_000
)

// shape refuses an operation that is nested too deep, has too many fields at its
// root, each under another alias, or has fragments in fragments so often that looking
// at each place takes too long. It has to be used before whatever does that.
type shape struct{}

// ExtensionName implements graphql.HandlerExtension.
func (shape) ExtensionName() string { return "Shape" }

// Validate implements graphql.HandlerExtension.
func (shape) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator. Fragments don't
// contain themselves: that was checked before.
func (shape) MutateOperationContext(_ context.Context, o *graphql.OperationContext) *gqlerror.Error {
	set := o.Operation.SelectionSet
	switch depth, roots := depthOf(set, map[string]int{}), rootsOf(set, map[string]int{}); {
	case depth > maxDepth:
		return misshapen("the operation is %d fields deep; %d is the most", depth, maxDepth)
	case roots > maxRoots:
		return misshapen("the operation has %d fields at its root; %d is the most, send several operations", roots, maxRoots)
	}
	if parts := partsOf(set, map[string]int{}); parts > maxParts {
		return misshapen("the operation has more than %d fields with those of its fragments, wherever these stand; send several operations", maxParts)
	}
	if deferred(o.Doc) {
		return misshapen("@defer: answers come in one part; leave it out")
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

// partsOf returns how many fields and fragments a selection has with all below it, as
// often as they stand there; more than any bound counts as that many.
func partsOf(set ast.SelectionSet, fragments map[string]int) (n int) {
	for _, s := range set {
		n++
		switch s := s.(type) {
		case *ast.Field:
			n += partsOf(s.SelectionSet, fragments)
		case *ast.InlineFragment:
			n += partsOf(s.SelectionSet, fragments)
		case *ast.FragmentSpread:
			known, ok := fragments[s.Name]
			if !ok {
				known = partsOf(s.Definition.SelectionSet, fragments)
				fragments[s.Name] = known
			}
			n += known
		}
		n = min(n, maxParts+1)
	}
	return n
}

// deferred reports whether a document asks for parts of an answer that come later.
func deferred(doc *ast.QueryDocument) bool {
	for _, o := range doc.Operations {
		if anyDeferred(o.SelectionSet) {
			return true
		}
	}
	return slices.ContainsFunc(doc.Fragments, func(f *ast.FragmentDefinition) bool { return anyDeferred(f.SelectionSet) })
}

func anyDeferred(set ast.SelectionSet) bool {
	return slices.ContainsFunc(set, func(s ast.Selection) bool {
		switch s := s.(type) {
		case *ast.Field:
			return anyDeferred(s.SelectionSet)
		case *ast.InlineFragment:
			return s.Directives.ForName("defer") != nil || anyDeferred(s.SelectionSet)
		case *ast.FragmentSpread:
			return s.Directives.ForName("defer") != nil
		}
		return false
	})
}

// maxPersisted is how long an operation may be, in bytes, to be kept by its hash.
const maxPersisted = 16 << 10

// persisted keeps operations by their hashes, the last used ones, as automatic
// persisted queries have it
// (https://www.apollographql.com/docs/apollo-server/performance/apq). A long one is
// taken, and not kept; neither is what its sender may not run.
type persisted struct {
	*lru.LRU[string]
	known *Documents // nil: none is known for good
}

// Get implements graphql.Cache.
func (p persisted) Get(ctx context.Context, hash string) (string, bool) {
	if p.known != nil {
		if text, ok := p.known.byHash[hash]; ok {
			return text, true
		}
	}
	return p.LRU.Get(ctx, hash)
}

// Add implements graphql.Cache.
func (p persisted) Add(ctx context.Context, hash, operation string) {
	if len(operation) <= maxPersisted && (p.known == nil || p.known.allows(ctx, operation)) {
		p.LRU.Add(ctx, hash, operation)
	}
}
