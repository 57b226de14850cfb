package postgres_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
)

func TestMutationsRefuseWhatNoSnapshotCouldCarry(t *testing.T) {
	db := open(t)
	postgres.Bound(db, 4, 2, 2)
	refused := func(err error, field, bound string) {
		t.Helper()
		wantFault(t, err, controlplane.CodeConflict, field)
		if err != nil && !strings.Contains(err.Error(), bound) {
			t.Errorf("%q does not name the bound of %s", err, bound)
		}
	}
	account := func(name string) controlplane.ID { return newAccount(t, db, name, 0).ID }
	key := func(account controlplane.ID) (controlplane.Key, error) {
		k, _, err := db.CreateKey(t.Context(), controlplane.NewKey{AccountID: account, Name: "key"}, controlplane.NewSecret("weir_"))
		return k, err
	}
	identify := func(account controlplane.ID, value string) error {
		_, _, err := db.AddIdentity(t.Context(), controlplane.Identity{AccountID: account, Kind: controlplane.JWTSubject, Value: value})
		return err
	}
	a, b, c := account("a"), account("b"), account("c")
	t.Run("keys and identities of one account", func(t *testing.T) {
		first, err := key(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := identify(a, "one"); err != nil {
			t.Fatal(err)
		}
		before := policyVersion(t, db)
		_, err = key(a)
		refused(err, "accountId", "2 keys and identities")
		refused(identify(a, "two"), "accountId", "2 keys and identities")
		if policyVersion(t, db) != before {
			t.Error("what was refused changed the policy")
		}
		if _, _, err := db.RevokeKey(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := key(a); err != nil {
			t.Errorf("after one was revoked: %v", err)
		}
	})
	t.Run("keys and identities in all", func(t *testing.T) {
		if err := identify(b, "three"); err != nil {
			t.Fatal(err)
		}
		if _, err := key(b); err != nil {
			t.Fatal(err)
		}
		_, err := key(c)
		refused(err, "accountId", "4 keys and identities in all")
		refused(identify(c, "four"), "accountId", "4 keys and identities in all")
	})
	t.Run("those of closed accounts, which Envoys refuse by name", func(t *testing.T) {
		if _, _, err := db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: b, Status: controlplane.AccountClosed}); err != nil {
			t.Fatal(err)
		}
		_, err := key(c)
		refused(err, "accountId", "4 keys and identities in all")
	})
	t.Run("endpoints", func(t *testing.T) {
		create := func(n int) error {
			_, _, err := db.CreateEndpoint(t.Context(), controlplane.Endpoint{Method: "GET", Template: fmt.Sprint("/", n), Cost: 1})
			return err
		}
		for n := range 2 {
			if err := create(n); err != nil {
				t.Fatal(err)
			}
		}
		refused(create(2), "template", "2 endpoints")
	})
}
