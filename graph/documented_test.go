package graph_test

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/graph/generated"
)

// plain are names that say by themselves what they are, wherever they stand: an input
// is what its type says.
func plain() map[string]bool {
	return map[string]bool{"id": true, "input": true}
}

func TestEverythingInTheSchemaIsDocumented(t *testing.T) {
	for name, d := range generated.NewExecutableSchema(generated.Config{}).Schema().Types {
		if d.BuiltIn || strings.HasPrefix(name, "__") {
			continue
		}
		if d.Description == "" && d.Name != "Query" && d.Name != "Mutation" && d.Name != "Subscription" {
			t.Errorf("%s has no description", name)
		}
		for _, v := range d.EnumValues {
			if v.Description == "" {
				t.Errorf("%s.%s has no description", name, v.Name)
			}
		}
		for _, f := range d.Fields {
			if strings.HasPrefix(f.Name, "__") || plain()[f.Name] {
				continue
			}
			if f.Description == "" {
				t.Errorf("%s.%s has no description", name, f.Name)
			}
			for _, a := range f.Arguments {
				if a.Description == "" && !plain()[a.Name] {
					t.Errorf("%s.%s(%s) has no description", name, f.Name, a.Name)
				}
			}
		}
	}
}
