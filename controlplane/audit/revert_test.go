package audit_test

import (
	"encoding/json"
	"strings"
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
			"its time was up; give the account another trial, or the tier and status of your choice"},
		"a trial given up": {audit.Changed(audit.UpdateAccount, audit.OfAccount(trial), audit.OfAccount(active)),
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
		"a group deleted": {audit.Deleted(audit.DeleteEndpointGroup, audit.OfEndpointGroup(controlplane.EndpointGroup{ID: 1, Name: "reads"}, nil)), `createEndpointGroup "reads"`},
		"an identity removed": {audit.Deleted(audit.RemoveIdentity, audit.OfIdentity(controlplane.Identity{ID: 1, AccountID: 7, Kind: controlplane.JWTSubject, Value: "svc"})),
			`addIdentity {"accountId":"acc_7","issuer":"","kind":"JWT_SUBJECT","value":"svc"}`},
		"a meter renamed": {audit.Changed(audit.UpdateMeter, audit.OfMeter(controlplane.Meter{ID: 1, Name: "a"}), audit.OfMeter(controlplane.Meter{ID: 1, Name: "b", EndpointID: 2})),
			`updateMeter {"allEndpoints":true,"id":"mtr_1","name":"a"}`},
		"defaults": {audit.Changed(audit.SetDefaults, audit.OfDefaults(controlplane.Defaults{TierID: 1}), audit.OfDefaults(controlplane.Defaults{TierID: 1, AnonymousID: 2})),
			`setDefaults {"anonymousTierId":null}`},
		"retention": {audit.Changed(audit.SetRetention, audit.OfRetention(days, 1), audit.OfRetention(days, 2)), `setRetention {"days":0,"hours":2,"minutes":1,"months":0}`},
		"an account moved": {audit.Moved(7, "Birch", audit.Place{TierID: 1}, audit.Place{TierID: 2}),
			"accounts are moved to the current version of a tier only; move it to the tier of your choice instead"},
		"people": {audit.Entry{Action: audit.SignIn}, "what people and tokens do, and what is found of usage, can't be taken back here"},
	} {
		t.Run(what, func(t *testing.T) {
			if got := wayBack(t, tc.entry); got != tc.want {
				t.Errorf("it is %s, want %s", got, tc.want)
			}
		})
	}
	t.Run("a tier's limits, all with their ids", func(t *testing.T) {
		back := reversal(t, audit.Changed(audit.UpdateTier, audit.OfTier(tier), audit.OfTier(less)))
		limits := back.Input.(map[string]any)["limits"].([]any)
		if kept, gone := limits[0].(map[string]any)["id"], limits[1].(map[string]any)["id"]; kept != "lim_5" || gone != "lim_6" {
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
	first := record(nil, audit.State{"name": "a", "revision": 1, "cost": 1, "copyOf": "tier_1"})
	if paths, err := first.ChangedSince(audit.State{"name": "b", "revision": 2, "cost": 1, "unit": "x"}); err != nil || len(paths) != 1 || paths[0] != "name" {
		t.Errorf("%v, %v", paths, err)
	}
}

func TestEveryActionHasAWayBackOrSaysWhyNot(t *testing.T) {
	const general = "what people and tokens do, and what is found of usage, can't be taken back here"
	people := map[audit.ObjectKind]bool{audit.Member: true, audit.APIToken: true, audit.SignInLink: true, audit.Unaccounted: true}
	for _, action := range audit.Actions() {
		r := audit.Record{Action: action, Before: []byte(`{"id":"x"}`), After: []byte(`{"id":"x","name":"n"}`)}
		if _, err := r.Reversal(); err != nil && err.Error() == general && !people[kindOf(action)] {
			t.Errorf("%s: %v", action, err)
		}
	}
}

// kindOf is of what an action is whose name has a person, a token, a link or a session in it.
func kindOf(a audit.Action) audit.ObjectKind {
	for _, word := range []string{"MEMBER", "TOKEN", "OPENID", "SIGN_IN", "SESSION", "PROFILE", "PASSWORD", "TOTP", "RECOVERY", "UNACCOUNTED"} {
		if strings.Contains(string(a), word) {
			return audit.Member
		}
	}
	return ""
}
