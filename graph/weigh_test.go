package graph_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/weirhq/weir/graph"
)

// Every list has a weight, so that what is nested below it counts as often as it can
// come. The lists of a connection weigh what the field does that the connection is of.
func TestEveryListHasAWeight(t *testing.T) {
	weights := reflect.ValueOf(graph.Weights())
	for name, object := range objects() {
		if strings.HasSuffix(name, "Connection") || name == "Mutation" {
			continue
		}
		for _, field := range object.Fields {
			of := field.Type.Name()
			connected := strings.HasSuffix(of, "Connection")
			if strings.HasPrefix(field.Name, "__") || !connected && (field.Type.Elem == nil || isLeaf(of)) {
				continue
			}
			if weight := named(named(weights, name), field.Name); !weight.IsValid() || weight.IsNil() {
				t.Errorf("%s.%s is %s and has no weight", name, field.Name, field.Type)
			}
		}
	}
}

func isLeaf(name string) bool { return objects()[name] == nil && !abstract()[name] }

func abstract() map[string]bool { return map[string]bool{"Node": true} }

// named returns a struct's field by the schema's name for it.
func named(v reflect.Value, name string) reflect.Value {
	if !v.IsValid() {
		return v
	}
	return v.FieldByNameFunc(func(field string) bool { return strings.EqualFold(field, name) })
}
