package graph

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/weirhq/weir/controlplane"
)

// literals refuses numbers in an operation's text that no number of ours can hold: the
// library checks those of its own scalars only, and panics at others. It also refuses
// text in variables where a number is wanted, as the text of an operation may not have
// it either. It has to be used before whatever looks at arguments.
type literals struct{ schema *ast.Schema }

// ExtensionName implements graphql.HandlerExtension.
func (*literals) ExtensionName() string { return "Literals" }

// Validate implements graphql.HandlerExtension.
func (l *literals) Validate(s graphql.ExecutableSchema) error {
	l.schema = s.Schema()
	return nil
}

// MutateOperationContext implements graphql.OperationContextMutator.
func (l *literals) MutateOperationContext(_ context.Context, o *graphql.OperationContext) *gqlerror.Error {
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
	for _, v := range o.Operation.VariableDefinitions {
		if at := l.quoted(v.Type, o.Variables[v.Variable]); at != nil && fault == nil {
			fault = wantsNumber(strings.Join(append([]string{v.Variable}, *at...), "."))
		}
	}
	return fault
}

func wantsNumber(at string) *gqlerror.Error {
	fault := gqlerror.Errorf("$%s: give a number, without quotes", at)
	fault.Extensions = map[string]any{"code": controlplane.CodeValidation, "field": plainField(at)}
	return fault
}

// quoted returns where in a variable's value there is text in the place of a number of
// the language's own; nil for nowhere.
func (l *literals) quoted(of *ast.Type, value any) *[]string {
	switch value := value.(type) {
	case string:
		if of.NamedType == "Int" || of.NamedType == "Float" {
			return &[]string{}
		}
	case []any:
		for i, v := range value {
			if at := l.quoted(cmp.Or(of.Elem, of), v); at != nil {
				return below(strconv.Itoa(i), at)
			}
		}
	case map[string]any:
		definition := l.schema.Types[of.NamedType]
		if definition == nil || definition.Kind != ast.InputObject {
			return nil
		}
		for _, f := range definition.Fields {
			if at := l.quoted(f.Type, value[f.Name]); at != nil {
				return below(f.Name, at)
			}
		}
	}
	return nil
}

func below(name string, at *[]string) *[]string {
	path := append([]string{name}, *at...)
	return &path
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
