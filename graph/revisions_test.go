package graph_test

import (
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirhq/weir/graph/generated"
)

// unrevised are the mutations that take no revision, and why each needs none.
func unrevised() map[string]string {
	const (
		creates = "nothing was there before"
		forGood = "it is a one-way step, whatever else has changed"
		itself  = "a member's own, whom nobody else edits"
		states  = "the state that it goes from is checked"
		noEdit  = "nothing that is edited changes"
	)
	return map[string]string{
		"createAccount": creates, "createTier": creates, "copyTier": creates, "createKey": creates, "createEndpoint": creates, "createEndpoints": creates,
		"createEndpointGroup": creates, "createMeter": creates, "inviteMember": creates, "createApiToken": creates, "addIdentity": creates,
		"scheduleChange": creates + "; the change may have a revision in its input", "adjustUsage": creates, "voidUsage": creates,
		"revokeKey": forGood, "rotateKey": forGood, "reportLeakedKeys": forGood, "removeMember": forGood, "revokeApiToken": forGood,
		"removeIdentity": forGood + ": identities are never changed", "deleteEndpointGroup": forGood + ": groups are never changed",
		"updateProfile": itself, "setPassword": itself, "beginTotp": itself, "confirmTotp": itself, "disableTotp": itself, "renewRecoveryCodes": itself,
		"endSession": itself, "endOtherSessions": itself, "signOut": itself,
		"changeTierMove": states, "cancelAccountMove": states, "cancelScheduledChange": states, "unlinkMember": states, "resetMemberTotp": states,
		"endMemberSessions": noEdit, "createMemberLink": noEdit, "resetAccount": noEdit, "setManager": noEdit,
		"changeAccounts": "it changes many alike, and says what is to be different of each",
		"importOpenApi":  "its plan stands for the revisions of all that it changes",
		"revertChange":   "it is based on a record, and refused when there is a later one",
	}
}

func TestEveryEditTakesTheRevisionItIsBasedOn(t *testing.T) {
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	known := unrevised()
	for _, f := range schema.Mutation.Fields {
		reason, listed := known[f.Name]
		delete(known, f.Name)
		switch takes := takesRevision(schema, f); {
		case takes && listed:
			t.Errorf("%s takes a revision, and is listed as one that needs none: %s", f.Name, reason)
		case !takes && !listed:
			t.Errorf("%s takes no revision; give its input one, or say why it needs none", f.Name)
		}
	}
	for name := range known {
		t.Errorf("there is no %s any more", name)
	}
	for _, name := range []string{"Account", "Defaults", "Endpoint", "Key", "Member", "Meter", "Override", "Retention", "Tier"} {
		if f := schema.Types[name].Fields.ForName("revision"); f == nil || f.Type.String() != "Int!" {
			t.Errorf("%s has no revision to base an edit on", name)
		}
	}
}

func takesRevision(schema *ast.Schema, f *ast.FieldDefinition) bool {
	for _, a := range f.Arguments {
		if a.Name == "revision" {
			return true
		}
		if in := schema.Types[a.Type.Name()]; in.Kind == ast.InputObject && in.Fields.ForName("revision") != nil {
			return true
		}
	}
	return false
}
