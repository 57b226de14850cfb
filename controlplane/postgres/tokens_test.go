package postgres_test

import (
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/permit"
)

func TestAnAPITokenReplacesTheOneOfItsName(t *testing.T) {
	db := open(t)
	first, second := controlplane.NewSecret(""), controlplane.NewSecret("")
	for _, s := range []controlplane.Secret{first, second, second} {
		if err := db.SetAPIToken(t.Context(), "scripts", s); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok, err := db.APITokenOf(t.Context(), first); ok || err != nil {
		t.Errorf("the replaced token is good still: %v, %v", ok, err)
	}
	held, ok, err := db.APITokenOf(t.Context(), second)
	if !ok || err != nil || held.Token.Name != "scripts" || len(held.Token.Scopes) != len(permit.All()) {
		t.Errorf("got %+v, %v, %v", held, ok, err)
	}
	wantFault(t, db.SetAPIToken(t.Context(), "others", second), controlplane.CodeConflict, "")
	if _, err := db.RevokeAPIToken(t.Context(), held.Token.ID, func(controlplane.APIToken) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := db.SetAPIToken(t.Context(), "scripts", second); err != nil {
		t.Errorf("a secret that is set again after it was revoked: %v", err)
	}
}

func TestAnAPITokenIsGoodWhileItsMakerIs(t *testing.T) {
	db := open(t)
	join(t, db, "owner@example.com", controlplane.RoleOwner, 0)
	maker := join(t, db, "ada@example.com", controlplane.RoleAdmin, 0)
	secret := controlplane.NewSecret(controlplane.TokenPrefix)
	token := controlplane.APIToken{Name: "ci", Scopes: []string{"USAGE_READ"}, CreatedBy: maker.ID}
	created, err := db.CreateAPIToken(t.Context(), token, secret)
	if err != nil || created.LastUsedAt != nil {
		t.Fatalf("created %+v, %v", created, err)
	}
	_, err = db.CreateAPIToken(t.Context(), token, controlplane.NewSecret(""))
	wantFault(t, err, controlplane.CodeValidation, "name")
	held, ok, err := db.APITokenOf(t.Context(), secret)
	if err != nil || !ok || held.Maker != controlplane.RoleAdmin {
		t.Fatalf("held %+v, %v, %v", held, ok, err)
	}
	tokens, err := db.APITokens(t.Context())
	if err != nil || len(tokens) != 1 || tokens[0].LastUsedAt == nil || tokens[0].Prefix == secret.Reveal() {
		t.Errorf("after a use: %+v, %v", tokens, err)
	}
	for _, disabled := range []bool{true, false} {
		if _, err := db.UpdateMember(t.Context(), controlplane.MemberEdit{ID: maker.ID, Disabled: &disabled}, anyRole); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := db.APITokenOf(t.Context(), secret); err != nil || ok == disabled {
			t.Errorf("good: %v, %v; its maker is disabled: %v", ok, err, disabled)
		}
	}
	if err := db.RemoveMember(t.Context(), maker.ID, anyRole); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := db.APITokenOf(t.Context(), secret); err != nil || ok {
		t.Errorf("its maker was removed, and it is good: %v, %v", ok, err)
	}
}

func TestAnAPITokenEndsWhenItExpires(t *testing.T) {
	db := open(t)
	past, secret := time.Now().Add(-time.Minute), controlplane.NewSecret("")
	if _, err := db.CreateAPIToken(t.Context(), controlplane.APIToken{Name: "old", Scopes: []string{}, ExpiresAt: &past}, secret); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := db.APITokenOf(t.Context(), secret); err != nil || ok {
		t.Errorf("good: %v, %v", ok, err)
	}
}
