package graph

import (
	"context"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/weirhq/weir/controlplane"
)

// opaque refuses an operation that asks for the schema.
type opaque struct{}

// ExtensionName implements graphql.HandlerExtension.
func (opaque) ExtensionName() string { return "Opaque" }

// Validate implements graphql.HandlerExtension.
func (opaque) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator.
func (opaque) MutateOperationContext(_ context.Context, o *graphql.OperationContext) *gqlerror.Error {
	asks := asksForSchema(o.Operation.SelectionSet)
	for _, f := range o.Doc.Fragments {
		asks = asks || asksForSchema(f.SelectionSet)
	}
	if !asks {
		return nil
	}
	fault := gqlerror.Errorf("this server doesn't tell its schema")
	fault.Extensions = map[string]any{"code": controlplane.CodeForbidden}
	return fault
}

// asksForSchema looks at a root's own fields, which alone have the schema.
func asksForSchema(set ast.SelectionSet) bool {
	return slices.ContainsFunc(set, func(s ast.Selection) bool {
		switch s := s.(type) {
		case *ast.Field:
			return strings.HasPrefix(s.Name, "__") && s.Name != "__typename"
		case *ast.InlineFragment:
			return asksForSchema(s.SelectionSet)
		}
		return false
	})
}

// withoutSuggestions are the library's rules, which say what is wrong with an operation
// but not what the schema has in the place of that.
func withoutSuggestions() *rules.Rules {
	plain := rules.NewDefaultRules()
	for name, rule := range map[string]core.Rule{
		"FieldsOnCorrectType": rules.FieldsOnCorrectTypeRuleWithoutSuggestions,
		"KnownArgumentNames":  rules.KnownArgumentNamesRuleWithoutSuggestions,
		"KnownTypeNames":      rules.KnownTypeNamesRuleWithoutSuggestions,
		"ScalarLeafs":         rules.ScalarLeafsRuleWithoutSuggestions,
		"ValuesOfCorrectType": rules.ValuesOfCorrectTypeRuleWithoutSuggestions,
	} {
		plain.ReplaceRule(name, rule.RuleFunc)
	}
	return plain
}
