package audit_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane/audit"
)

func TestChangesAreTold(t *testing.T) {
	type changes = map[string][2]string
	for name, c := range map[string]struct {
		before, after string
		want          changes
	}{
		"none":                     {`{"a":1}`, `{"a":1}`, changes{}},
		"of a field":               {`{"a":1,"b":"<x>"}`, `{"a":1,"b":"y"}`, changes{"b": {`"<x>"`, `"y"`}}},
		"to null":                  {`{"a":1}`, `{"a":null}`, changes{"a": {`1`, `null`}}},
		"of a field that is new":   {`{}`, `{"a":1}`, changes{"a": {"", `1`}}},
		"within":                   {`{"a":{"b":1}}`, `{"a":{"b":2}}`, changes{"a.b": {`1`, `2`}}},
		"of one in a list":         {`{"l":[{"id":"x","name":"n","v":1},{"id":"y"}]}`, `{"l":[{"id":"y"},{"id":"x","name":"n","v":2}]}`, changes{"l.n.v": {`1`, `2`}}},
		"of a list by its places":  {`{"l":[1,2]}`, `{"l":[1,3,4]}`, changes{"l.1": {`2`, `3`}, "l.2": {"", `4`}}},
		"of one taken from a list": {`{"l":[{"id":"x"}]}`, `{"l":[]}`, changes{"l.x": {`{"id":"x"}`, ""}}},
		"from object to text":      {`{"a":{"b":1}}`, `{"a":"t"}`, changes{"a": {`{"b":1}`, `"t"`}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := audit.Record{Before: json.RawMessage(c.before), After: json.RawMessage(c.after)}
			all, err := r.Changes()
			if err != nil {
				t.Fatal(err)
			}
			got := changes{}
			for _, change := range all {
				got[change.Path] = [2]string{string(change.Before), string(change.After)}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
