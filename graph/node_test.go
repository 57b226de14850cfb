package graph_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/weirhq/weir/graph"
)

// notNodes are the types with an id of something else, and why they are no nodes.
func notNodes() map[string]string {
	return map[string]string{
		"AuditActor":           "it is the id of who did it, a member or an API token",
		"AuditObject":          "it is the id of what it was done to",
		"EndpointUse":          "it is the id of the limit, key or meter",
		"TierMove":             "its tier has it: the one that runs, or the last",
		"Pilot":                "its tier has it: the one that runs, or the last",
		"AccountMove":          "its account has it, while it is to come",
		"DeletePayload":        "it is the id of what is gone",
		"RemovedMemberPayload": "it is the id of who is gone",
		"ManagedObject":        "it is the id of what is kept in files",
		"ManagerPayload":       "it is the id of what is kept in files",
	}
}

func TestEveryTypeWithAnIDIsANode(t *testing.T) {
	kinds := graph.NodeKinds()
	for name, object := range objects() {
		id := object.Fields.ForName("id")
		if id == nil {
			continue
		}
		isNode := slices.Contains(object.Interfaces, "Node")
		switch why := notNodes()[name]; {
		case why != "" && isNode:
			t.Errorf("%s is a node, and the test says that it isn't: %s", name, why)
		case why == "" && !isNode:
			t.Errorf("%s has an id: let it implement Node, or say here why it doesn't", name)
		case isNode && kinds[name] == "":
			t.Errorf("%s is a node, and nodeKinds doesn't have it", name)
		}
	}
	for name := range kinds {
		if object := objects()[name]; object == nil || !slices.Contains(object.Interfaces, "Node") {
			t.Errorf("nodeKinds has %s, which is no node of the schema", name)
		}
	}
}

func TestNoTwoTypesSharePrefixes(t *testing.T) {
	of := map[string]string{}
	for name, prefix := range graph.NodeKinds() {
		if other := of[prefix]; other != "" || strings.Contains(prefix, "_") {
			t.Errorf("%s and %s have ids that begin with %q", name, other, prefix)
		}
		of[prefix] = name
	}
}

// boundedLists are the lists of objects that never outgrow a page, by what bounds
// them.
func boundedLists() map[string]string {
	return map[string]string{
		"Tier.limits":                "at most 32",
		"TierVersion.limits":         "at most 32",
		"Query.endpointSources":      "one for each document that somebody imports by hand",
		"EndpointsPayload.endpoints": "as many as were given, at most 100",
		"KeyScope.endpoints":         "at most 100, with the groups",
		"KeyScope.groups":            "at most 100, with the endpoints",
		"Viewer.sessions":            "at most 200 are live",
	}
}

func TestEveryLongListIsAConnection(t *testing.T) {
	bounded := boundedLists()
	for name, object := range objects() {
		if strings.HasSuffix(name, "Connection") {
			continue
		}
		for _, field := range object.Fields {
			at := name + "." + field.Name
			of := objects()[field.Type.Name()]
			if strings.HasPrefix(field.Name, "__") || of == nil {
				continue
			}
			isList := field.Type.Elem != nil
			switch why := bounded[at]; {
			case isList && why == "" && slices.Contains(of.Interfaces, "Node"):
				t.Errorf("%s is a list of nodes: make it a connection, or say here what bounds it", at)
			case !isList && why != "":
				t.Errorf("%s is no list", at)
			}
			delete(bounded, at)
		}
	}
	for _, left := range slices.Sorted(maps.Keys(bounded)) {
		t.Errorf("the schema has no %s", left)
	}
}

func TestConnectionsAreAsRelayHasThem(t *testing.T) {
	for name, object := range objects() {
		if !strings.HasSuffix(name, "Connection") {
			continue
		}
		node := strings.TrimSuffix(object.Fields.ForName("nodes").Type.String(), "!]!")
		edge := strings.TrimSuffix(name, "Connection") + "Edge"
		for field, want := range map[string]string{"edges": "[" + edge + "!]!", "pageInfo": "PageInfo!"} {
			if f := object.Fields.ForName(field); f == nil || f.Type.String() != want {
				t.Errorf("%s.%s: want %s", name, field, want)
			}
		}
		for field, want := range map[string]string{"cursor": "String!", "node": node[1:] + "!"} {
			if f := objects()[edge].Fields.ForName(field); f == nil || f.Type.String() != want {
				t.Errorf("%s.%s: want %s", edge, field, want)
			}
		}
	}
	for name, object := range objects() {
		for _, field := range object.Fields {
			if !strings.HasSuffix(field.Type.Name(), "Connection") {
				continue
			}
			first, after := field.Arguments.ForName("first"), field.Arguments.ForName("after")
			if first == nil || first.Type.String() != "Int!" || first.DefaultValue == nil || after == nil || after.Type.String() != "String" {
				t.Errorf("%s.%s: want (first: Int! = …, after: String)", name, field.Name)
			}
		}
	}
}
