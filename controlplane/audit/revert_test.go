package audit_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

func TestTheWayBackFromARecord(t *testing.T) {
	ends := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	active := controlplane.Account{ID: 7, Name: "Birch", TierID: 2, OnDefaultTier: true, Status: controlplane.AccountActive, TimeZone: "UTC", BillingDay: 1, Labels: controlplane.Labels{"a": "b"}}
	trial := active
	trial.Status, trial.TierID, trial.OnDefaultTier, trial.Labels = controlplane.AccountTrial, 3, false, nil
	trial.Trial = &controlplane.Trial{EndsAt: ends, Then: controlplane.TrialSuspends}
	closed := active
	closed.Status, closed.ClosedAt = controlplane.AccountClosed, &ends
	override := controlplane.Override{ID: 4, AccountID: 7, LimitID: 5, Amount: 6, Note: "why"}
	key := controlplane.Key{ID: 8, AccountID: 7, Name: "ci", Environment: controlplane.Live}
	bounded := key
	bounded.ExpiresAt, bounded.ReadsOnly = &ends, true
	tier := controlplane.Tier{ID: 2, Name: "Basic", Limits: []controlplane.Limit{{ID: 5, Name: "kept", Amount: 9}, {ID: 6, Name: "gone", Amount: 8}}}
	less := tier
	less.Limits = tier.Limits[:1]
	days := controlplane.RetentionDays{Minutes: 1, Hours: 2}
	for what, tc := range map[string]struct {
		entry audit.Entry
		want  string // the field and its argument, or why there is no way
	}{
		"a trial begun": {audit.Changed(audit.UpdateAccount, audit.OfAccount(active), audit.OfAccount(trial)),
			`updateAccount {"id":"acc_7","labels":[{"key":"a","value":"b"}],"status":"ACTIVE","useDefaultTier":true}`},
		"a trial ended": {audit.Changed(audit.EndTrial, audit.OfAccount(trial), audit.OfAccount(active)),
			`updateAccount {"id":"acc_7","labels":[],"status":"TRIAL","tierId":"tier_3","trial":{"endsAt":"2030-01-02T03:04:05.000Z","then":"SUSPEND"}}`},
		"an account closed":  {audit.Changed(audit.UpdateAccount, audit.OfAccount(active), audit.OfAccount(closed)), "closing an account revoked its keys, for good; set its status to SUSPENDED to reopen it"},
		"an account created": {audit.Created(audit.CreateAccount, audit.OfAccount(active)), "an account can't be deleted; close it instead"},
		"an override set":    {audit.Created(audit.SetOverride, audit.OfOverride(override, "l")), `deleteOverride "ovr_4"`},
		"an override gone":   {audit.Deleted(audit.DeleteOverride, audit.OfOverride(override, "l")), `setOverride {"accountId":"acc_7","amount":6,"limitId":"lim_5","note":"why"}`},
		"a key edited": {audit.Changed(audit.UpdateKey, audit.OfKey(key), audit.OfKey(bounded)),
			`updateKey {"id":"key_8","neverExpires":true,"scope":{"endpointIds":[],"groupIds":[],"readsOnly":false}}`},
		"a key revoked":    {audit.Changed(audit.RevokeKey, audit.OfKey(key), audit.OfKey(key)), "a revoked key is revoked for good; create another one"},
		"an endpoint made": {audit.Created(audit.CreateEndpoint, audit.OfEndpoint(controlplane.Endpoint{ID: 3})), `deleteEndpoint "end_3"`},
		"an endpoint grouped": {audit.Changed(audit.UpdateEndpoint, audit.OfEndpoint(controlplane.Endpoint{ID: 3, Cost: 1}), audit.OfEndpoint(controlplane.Endpoint{ID: 3, Cost: 1, GroupID: 2})),
			`updateEndpoint {"id":"end_3","ungroup":true}`},
		"a group deleted": {audit.Deleted(audit.DeleteEndpointGroup, audit.OfEndpointGroup(controlplane.EndpointGroup{ID: 1, Name: "reads"})), `createEndpointGroup "reads"`},
		"an identity removed": {audit.Deleted(audit.RemoveIdentity, audit.OfIdentity(controlplane.Identity{ID: 1, AccountID: 7, Kind: controlplane.JWTSubject, Value: "svc"})),
			`addIdentity {"accountId":"acc_7","issuer":"","kind":"JWT_SUBJECT","value":"svc"}`},
		"a meter renamed": {audit.Changed(audit.UpdateMeter, audit.OfMeter(controlplane.Meter{ID: 1, Name: "a"}), audit.OfMeter(controlplane.Meter{ID: 1, Name: "b", EndpointID: 2})),
			`updateMeter {"allEndpoints":true,"id":"mtr_1","name":"a"}`},
		"defaults": {audit.Changed(audit.SetDefaults, audit.OfDefaults(controlplane.Defaults{TierID: 1}), audit.OfDefaults(controlplane.Defaults{TierID: 1, AnonymousID: 2})),
			`setDefaults {"anonymousTierId":null}`},
		"retention": {audit.Changed(audit.SetRetention, audit.OfRetention(days, 1), audit.OfRetention(days, 2)), `setRetention {"days":0,"hours":2,"minutes":1,"months":0}`},
		"people":    {audit.Entry{Action: audit.SignIn}, "what people and tokens do, and what is found of usage, can't be taken back here"},
	} {
		t.Run(what, func(t *testing.T) {
			if got := wayBack(t, tc.entry); got != tc.want {
				t.Errorf("it is %s, want %s", got, tc.want)
			}
		})
	}
	t.Run("a tier's limits, of which one has no id any more", func(t *testing.T) {
		back := reversal(t, audit.Changed(audit.UpdateTier, audit.OfTier(tier), audit.OfTier(less)))
		limits := back.Input.(map[string]any)["limits"].([]any)
		if kept, gone := limits[0].(map[string]any)["id"], limits[1].(map[string]any)["id"]; kept != "lim_5" || gone != nil {
			t.Errorf("the limits have ids %v and %v", kept, gone)
		}
	})
}

func reversal(t *testing.T, e audit.Entry) audit.Reversal {
	t.Helper()
	r, err := audit.Append(audit.Anchor{}, time.Now(), controlplane.Actor{}, e)
	if err != nil {
		t.Fatal(err)
	}
	back, err := r.Reversal()
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func wayBack(t *testing.T, e audit.Entry) string {
	t.Helper()
	r, err := audit.Append(audit.Anchor{}, time.Now(), controlplane.Actor{}, e)
	if err != nil {
		t.Fatal(err)
	}
	back, err := r.Reversal()
	if err != nil {
		return err.Error()
	}
	in, err := json.Marshal(back.Input)
	if err != nil {
		t.Fatal(err)
	}
	return back.Field + " " + string(in)
}

func TestWhatChangedSinceARecord(t *testing.T) {
	record := func(before, after audit.State) *audit.Record {
		r, err := audit.Append(audit.Anchor{}, time.Now(), controlplane.Actor{}, audit.Entry{Before: before, After: after})
		if err != nil {
			t.Fatal(err)
		}
		return &r
	}
	first := record(nil, audit.State{"name": "a", "revision": 1, "cost": 1})
	if paths, whole, err := first.ChangedSince(record(nil, audit.State{"name": "b", "revision": 2, "cost": 1})); err != nil || whole || len(paths) != 1 || paths[0] != "name" {
		t.Errorf("%v, %v, %v", paths, whole, err)
	}
	if _, whole, err := first.ChangedSince(record(audit.State{"name": "a"}, nil)); err != nil || !whole {
		t.Errorf("deleted: %v, %v", whole, err)
	}
}
