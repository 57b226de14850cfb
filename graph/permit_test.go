package graph_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/graph/generated"
)

func roots() []string { return []string{"Query", "Mutation", "Subscription"} }

// objects returns the schema's own object types.
func objects() map[string]*ast.Definition {
	own := map[string]*ast.Definition{}
	for name, d := range generated.NewExecutableSchema(generated.Config{}).Schema().Types {
		if d.Kind == ast.Object && !strings.HasPrefix(name, "__") {
			own[name] = d
		}
	}
	return own
}

func TestEveryFieldHasItsRule(t *testing.T) {
	for name, object := range objects() {
		for _, field := range object.Fields {
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			if _, ok := permit.Field(name, field.Name); !ok {
				t.Errorf("%s.%s has no entry in package permit's table; say there what it takes", name, field.Name)
			}
		}
		if slices.Contains(roots(), name) && permit.AsParent()[name] {
			t.Errorf("every field of %s needs an entry of its own", name)
		}
	}
}

func TestEveryRuleIsOfAField(t *testing.T) {
	known := objects()
	for name, rules := range permit.Fields() {
		for field, rule := range rules {
			definition := known[name]
			if definition == nil || definition.Fields.ForName(field) == nil {
				t.Errorf("the table has %s.%s, and the schema doesn't", name, field)
				continue
			}
			if rule.Needs != "" && !slices.Contains(permit.All(), rule.Needs) {
				t.Errorf("%s.%s needs %s, which is no permission", name, field, rule.Needs)
			}
			bound := rule.Bound == permit.ByAccount || rule.Bound == permit.ByKey
			if bound != (rule.Argument != "") {
				t.Errorf("%s.%s: an argument is named for what is bound by one, and only for that", name, field)
			}
			if bound && !isID(definition.Fields.ForName(field).Arguments, rule.Argument) {
				t.Errorf("%s.%s: the argument %s is neither an ID nor a list of such", name, field, rule.Argument)
			}
		}
	}
	for name := range permit.AsParent() {
		if known[name] == nil {
			t.Errorf("the table has the type %s, and the schema doesn't", name)
		}
	}
}

// isID says whether the path of an argument leads to an ID or a list of such.
func isID(arguments ast.ArgumentDefinitionList, path string) bool {
	name, rest, deeper := strings.Cut(path, ".")
	argument := arguments.ForName(name)
	if argument == nil {
		return false
	}
	types := generated.NewExecutableSchema(generated.Config{}).Schema().Types
	of := argument.Type
	for deeper {
		name, rest, deeper = strings.Cut(rest, ".")
		field := types[of.Name()].Fields.ForName(name)
		if field == nil {
			return false
		}
		of = field.Type
	}
	return of.Name() == "ID"
}
