package graph

import (
	"context"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/weirhq/weir/controlplane"
)

// literals refuses numbers in an operation's text that no number of ours can hold.
// The library checks those of its own scalars only, and panics at others. It has to
// be used before whatever looks at arguments.
type literals struct{}

// ExtensionName implements graphql.HandlerExtension.
func (literals) ExtensionName() string { return "Literals" }

// Validate implements graphql.HandlerExtension.
func (literals) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator.
func (literals) MutateOperationContext(_ context.Context, o *graphql.OperationContext) *gqlerror.Error {
	var fault *gqlerror.Error
	check := func(v *ast.Value) {
		if fault == nil {
			fault = unholdable(v)
		}
	}
	for _, operation := range o.Doc.Operations {
		for _, v := range operation.VariableDefinitions {
			check(v.DefaultValue)
		}
		eachArgument(operation.Directives, operation.SelectionSet, check)
	}
	for _, fragment := range o.Doc.Fragments {
		eachArgument(fragment.Directives, fragment.SelectionSet, check)
	}
	return fault
}

func eachArgument(directives ast.DirectiveList, selected ast.SelectionSet, check func(*ast.Value)) {
	for _, d := range directives {
		for _, a := range d.Arguments {
			check(a.Value)
		}
	}
	for _, s := range selected {
		switch s := s.(type) {
		case *ast.Field:
			for _, a := range s.Arguments {
				check(a.Value)
			}
			eachArgument(s.Directives, s.SelectionSet, check)
		case *ast.InlineFragment:
			eachArgument(s.Directives, s.SelectionSet, check)
		case *ast.FragmentSpread:
			eachArgument(s.Directives, nil, check)
		}
	}
}

// unholdable says what is wrong with a number in a value, or returns nil.
func unholdable(v *ast.Value) *gqlerror.Error {
	if v == nil {
		return nil
	}
	var err error
	switch v.Kind {
	case ast.IntValue:
		_, err = strconv.ParseInt(v.Raw, 10, 64)
	case ast.FloatValue:
		_, err = strconv.ParseFloat(v.Raw, 64)
	}
	if err != nil {
		fault := gqlerror.ErrorPosf(v.Position, "a number is too large; integers have up to 63 bits")
		fault.Extensions = map[string]any{"code": controlplane.CodeValidation}
		return fault
	}
	for _, child := range v.Children {
		if fault := unholdable(child.Value); fault != nil {
			return fault
		}
	}
	return nil
}
