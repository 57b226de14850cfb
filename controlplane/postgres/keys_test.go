package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

func issue(t *testing.T, db *postgres.DB, k controlplane.NewKey) (controlplane.Key, controlplane.Secret) {
	t.Helper()
	secret := controlplane.NewKeySecret(k.Environment)
	key, _, err := db.CreateKey(t.Context(), k, secret)
	if err != nil {
		t.Fatal(err)
	}
	return key, secret
}

// keysOf returns the keys of the policy, by id.
func keysOf(t *testing.T, db *postgres.DB) map[uint64]book.Key {
	t.Helper()
	policy, err := db.Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys := map[uint64]book.Key{}
	for _, k := range policy.Keys {
		keys[k.ID] = k
	}
	return keys
}

func TestAScopeReachesThePolicyOnceForAllKeysThatHaveIt(t *testing.T) {
	t.Parallel()
	db := open(t)
	reader := db.PolicyReader()
	if _, err := reader.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	account := newAccount(t, db, "Acme", 0)
	endpoint, _, err := db.CreateEndpoint(t.Context(), controlplane.Endpoint{Method: "GET", Template: "/a", Cost: 1})
	if err != nil {
		t.Fatal(err)
	}
	group, _, err := db.CreateEndpointGroup(t.Context(), "B")
	if err != nil {
		t.Fatal(err)
	}
	scope := controlplane.KeyScope{ReadsOnly: true, EndpointIDs: []controlplane.ID{endpoint.ID, endpoint.ID}, GroupIDs: []controlplane.ID{group.ID}}
	first, _ := issue(t, db, controlplane.NewKey{AccountID: account.ID, Name: "first", Scope: scope, Environment: controlplane.Sandbox})
	second, _ := issue(t, db, controlplane.NewKey{AccountID: account.ID, Name: "second", Scope: scope})
	third, _ := issue(t, db, controlplane.NewKey{AccountID: account.ID, Name: "third"})
	if diff := cmp.Diff(&controlplane.KeyScope{ReadsOnly: true, EndpointIDs: []controlplane.ID{endpoint.ID}, GroupIDs: []controlplane.ID{group.ID}}, first.Scope()); diff != "" {
		t.Error(diff)
	}
	policy, err := reader.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []book.Scope{{ID: 1, ReadsOnly: true, Endpoints: []uint64{uint64(endpoint.ID)}, Groups: []uint64{uint64(group.ID)}}}
	if diff := cmp.Diff(want, policy.Scopes); diff != "" {
		t.Error(diff)
	}
	keys := keysOf(t, db)
	a, b, c := keys[uint64(first.ID)], keys[uint64(second.ID)], keys[uint64(third.ID)]
	if a.Scope != 1 || b.Scope != 1 || c.Scope != 0 || !a.Sandbox || b.Sandbox {
		t.Errorf("%+v, %+v, %+v", a, b, c)
	}
	if _, err := book.Compile(policy, nil); err != nil {
		t.Error(err)
	}
	everything, name := controlplane.KeyScope{}, "renamed"
	edited, _, err := db.UpdateKey(t.Context(), controlplane.KeyEdit{ID: first.ID, Scope: &everything, Name: &name})
	if err != nil || !edited.Scope().Everything() || edited.Name != name || keysOf(t, db)[uint64(first.ID)].Scope != 0 {
		t.Errorf("%+v, %v", edited, err)
	}
	for field, wrong := range map[string]controlplane.KeyScope{
		"scope.endpointIds": {EndpointIDs: []controlplane.ID{99}}, "scope.groupIds": {GroupIDs: []controlplane.ID{99}},
	} {
		_, _, err := db.CreateKey(t.Context(), controlplane.NewKey{AccountID: account.ID, Name: "k", Scope: wrong}, controlplane.NewKeySecret(controlplane.Live))
		if faults := controlplane.Faults(err); len(faults) != 1 || faults[0].Field != field {
			t.Errorf("%v instead of a mistake in %s", err, field)
		}
	}
}

func TestARotatedKeyGoesOnForItsOverlap(t *testing.T) {
	t.Parallel()
	db := open(t)
	old, _ := issue(t, db, controlplane.NewKey{AccountID: newAccount(t, db, "Acme", 0).ID, Name: "ci", Environment: controlplane.Sandbox, Scope: controlplane.KeyScope{ReadsOnly: true}})
	now := time.Now().Truncate(time.Millisecond)
	rotation := controlplane.KeyRotation{ID: old.ID, Overlap: time.Hour}
	rotated, secret, _, err := db.RotateKey(t.Context(), rotation, now, controlplane.NewKeySecret)
	if err != nil {
		t.Fatal(err)
	}
	if n := rotated.Key; n.Name != "ci" || n.Environment != controlplane.Sandbox || !n.ReadsOnly || n.Replaces != old.ID || n.ExpiresAt != nil || n.Prefix != secret.Prefix() {
		t.Errorf("the new key is %+v", n)
	}
	if o := rotated.Replaced; o.ExpiresAt == nil || !o.ExpiresAt.Equal(now.Add(time.Hour)) || o.ReplacedBy != rotated.Key.ID {
		t.Errorf("the old key is %+v", o)
	}
	keys := keysOf(t, db)
	if len(keys) != 2 || keys[uint64(old.ID)].ExpiresAt != now.Add(time.Hour).UnixMilli() {
		t.Errorf("the policy has %+v", keys)
	}
	if _, _, _, err := db.RotateKey(t.Context(), rotation, now, controlplane.NewKeySecret); controlplane.Faults(err) == nil {
		t.Errorf("a second rotation of the same key: %v", err)
	}
	if _, _, _, err := db.RotateKey(t.Context(), rotation, now.Add(2*time.Hour), controlplane.NewKeySecret); controlplane.Faults(err) == nil {
		t.Errorf("a rotation of one that has expired: %v", err)
	}
	recorded := recorded(t, db, audit.Filter{Actions: []audit.Action{audit.RotateKey, audit.CreateKey}})
	if len(recorded) != 3 || recorded[0].Action != audit.RotateKey {
		t.Errorf("the log has %+v", recorded)
	}
}

func TestAReplacedKeyExpiresForGood(t *testing.T) {
	t.Parallel()
	db := open(t)
	old, _ := issue(t, db, controlplane.NewKey{AccountID: newAccount(t, db, "Acme", 0).ID, Name: "ci"})
	rotated, _, _, err := db.RotateKey(t.Context(), controlplane.KeyRotation{ID: old.ID, Overlap: time.Hour}, time.Now().Add(-2*time.Hour), controlplane.NewKeySecret)
	if err != nil {
		t.Fatal(err)
	}
	later, earlier, name := time.Now().Add(time.Hour), time.Now().Add(-3*time.Hour), "old"
	for _, e := range []controlplane.KeyEdit{{ID: old.ID, NeverExpires: true}, {ID: old.ID, ExpiresAt: &later}} {
		_, _, err := db.UpdateKey(t.Context(), e)
		wantFault(t, err, controlplane.CodeConflict, "id")
	}
	for _, e := range []controlplane.KeyEdit{{ID: old.ID, Name: &name}, {ID: old.ID, ExpiresAt: &earlier}, {ID: rotated.Key.ID, ExpiresAt: &later}, {ID: rotated.Key.ID, NeverExpires: true}} {
		if _, _, err := db.UpdateKey(t.Context(), e); err != nil {
			t.Error(err)
		}
	}
}

func TestAReplacedKeyHasToExpire(t *testing.T) {
	t.Parallel()
	db := open(t)
	old, _ := issue(t, db, controlplane.NewKey{AccountID: newAccount(t, db, "Acme", 0).ID, Name: "ci"})
	if _, _, _, err := db.RotateKey(t.Context(), controlplane.KeyRotation{ID: old.ID, Overlap: time.Hour}, time.Now(), controlplane.NewKeySecret); err != nil {
		t.Fatal(err)
	}
	beyond := time.Now().Add(controlplane.MaxOverlap + time.Hour)
	for _, e := range []controlplane.KeyEdit{{ID: old.ID, NeverExpires: true}, {ID: old.ID, ExpiresAt: &beyond}} {
		_, _, err := db.UpdateKey(t.Context(), e)
		wantFault(t, err, controlplane.CodeConflict, "id")
	}
	later := time.Now().Add(2 * time.Hour)
	if _, _, err := db.UpdateKey(t.Context(), controlplane.KeyEdit{ID: old.ID, ExpiresAt: &later}); err != nil {
		t.Errorf("a longer overlap: %v", err)
	}
}

func TestASuspendedKeyIsNotRotated(t *testing.T) {
	t.Parallel()
	db := open(t)
	old, _ := issue(t, db, controlplane.NewKey{AccountID: newAccount(t, db, "Acme", 0).ID, Name: "ci"})
	suspended := true
	if _, _, err := db.UpdateKey(t.Context(), controlplane.KeyEdit{ID: old.ID, Suspended: &suspended}); err != nil {
		t.Fatal(err)
	}
	_, _, _, err := db.RotateKey(t.Context(), controlplane.KeyRotation{ID: old.ID, Overlap: time.Hour}, time.Now(), controlplane.NewKeySecret)
	wantFault(t, err, controlplane.CodeConflict, "id")
}

func TestLeakedKeysAreFoundAndRevoked(t *testing.T) {
	t.Parallel()
	db := open(t)
	account := newAccount(t, db, "Acme", 0).ID
	leaked, secret := issue(t, db, controlplane.NewKey{AccountID: account, Name: "leaked"})
	kept, _ := issue(t, db, controlplane.NewKey{AccountID: account, Name: "kept"})
	candidates, err := controlplane.ReportedSecrets([]string{"nothing", secret.Reveal(), secret.Reveal(), ""})
	if err != nil {
		t.Fatal(err)
	}
	leaks, version, err := db.ReportLeaks(t.Context(), candidates, false)
	if err != nil || version != 0 || len(leaks) != 1 || leaks[0].Index != 1 || leaks[0].Key.ID != leaked.ID || leaks[0].Revoked {
		t.Errorf("a report finds %+v, %v", leaks, err)
	}
	if len(keysOf(t, db)) != 2 {
		t.Error("a report alone took a key away")
	}
	leaks, version, err = db.ReportLeaks(t.Context(), candidates, true)
	if err != nil || version == 0 || len(leaks) != 1 || !leaks[0].Revoked || leaks[0].Key.RevokedAt == nil {
		t.Errorf("a revoking report finds %+v, %v", leaks, err)
	}
	if keys := keysOf(t, db); len(keys) != 1 || keys[uint64(kept.ID)].ID == 0 {
		t.Errorf("the policy has %+v", keys)
	}
	if leaks, _, err = db.ReportLeaks(t.Context(), candidates, true); err != nil || leaks[0].Revoked {
		t.Errorf("a key that was revoked before: %+v, %v", leaks, err)
	}
	for _, r := range recorded(t, db, audit.Filter{Actions: []audit.Action{audit.ReportLeakedKey}}) {
		if r.Object.ID != controlplane.KindKey.Format(leaked.ID) {
			t.Errorf("the log says %+v", r)
		}
	}
}

func TestWhenAKeyWasLastUsedIsReadFromUsage(t *testing.T) {
	t.Parallel()
	db := open(t)
	account := newAccount(t, db, "Acme", 0).ID
	used, _ := issue(t, db, controlplane.NewKey{AccountID: account, Name: "used"})
	unused, _ := issue(t, db, controlplane.NewKey{AccountID: account, Name: "unused"})
	last := time.Now().UTC().Truncate(time.Minute).Add(-3 * time.Hour)
	for i, at := range []time.Time{last, last.Add(-40 * time.Minute), last.AddDate(0, 0, -8)} {
		_, err := db.CommitBatches(t.Context(), []*wire.Batch{{Source: wire.SourceID{byte(i + 1)}, Sequence: 1, Node: "edge-1", Entries: []wire.Entry{
			{EntryKey: wire.EntryKey{Minute: at.Unix() / 60, Account: uint64(account), Key: uint64(used.ID), Status: 200, Decision: wire.Allowed}, Requests: 4},
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.KeysLastUsed(t.Context(), []controlplane.Key{used, unused})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[controlplane.ID]time.Time{used.ID: last}, got); diff != "" {
		t.Error(diff)
	}
}
