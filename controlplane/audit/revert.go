package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// Reversal is the mutation that puts an object back to what it was before a record.
type Reversal struct {
	Field string // of Mutation
	Input any    // its argument; nil: it takes the permission for that mutation, and is done otherwise
}

// sides are the two sides of a record; nil: there is none.
type sides struct{ before, after map[string]any }

// reversals are the ways back by action.
var reversals = map[Action]func(*Record, sides) (Reversal, error){
	UpdateAccount: backToAccount,
	SetOverride:   backToOverride,
	DeleteOverride: func(r *Record, s sides) (Reversal, error) {
		return Reversal{Field: "setOverride", Input: override(r, s.before)}, nil
	},
	AddIdentity: undone("removeIdentity"),
	RemoveIdentity: func(r *Record, s sides) (Reversal, error) {
		in := picked(s.before, "kind", "value", "issuer")
		in["accountId"] = r.account()
		return Reversal{Field: "addIdentity", Input: in}, nil
	},
	UpdateKey:           backToKey,
	CreateEndpoint:      undone("deleteEndpoint"),
	UpdateEndpoint:      backTo("updateEndpoint", "groupId", "ungroup", "cost", "groupId"),
	DeleteEndpoint:      again("createEndpoint", "method", "template", "cost", "groupId"),
	CreateEndpointGroup: undone("deleteEndpointGroup"),
	DeleteEndpointGroup: func(_ *Record, s sides) (Reversal, error) {
		return Reversal{Field: "createEndpointGroup", Input: s.before["name"]}, nil
	},
	CreateMeter: undone("deleteMeter"),
	UpdateMeter: backTo("updateMeter", "endpointId", "allEndpoints", "name", "unit", "header", "hidden", "endpointId"),
	DeleteMeter: again("createMeter", "name", "unit", "header", "hidden", "endpointId"),
	CreateTier:  undone("deleteTier"),
	CopyTier:    undone("deleteTier"),
	UpdateTier: func(_ *Record, s sides) (Reversal, error) {
		return Reversal{Field: "updateTier", Input: map[string]any{"id": s.before["id"], "name": s.before["name"], "limits": limits(s.before, limitIDs(s.before))}}, nil
	},
	ReorderLimits: func(_ *Record, s sides) (Reversal, error) {
		return Reversal{Field: "reorderLimits", Input: map[string]any{"tierId": s.before["id"], "limitIds": limitIDs(s.before)}}, nil
	},
	DeleteTier: func(_ *Record, s sides) (Reversal, error) {
		return Reversal{Field: "createTier", Input: map[string]any{"name": s.before["name"], "limits": limits(s.before, nil)}}, nil
	},
	PublishTier: backToVersions,
	SetDefaults: func(_ *Record, s sides) (Reversal, error) {
		return Reversal{Field: "setDefaults", Input: changed(s, "tierId", "anonymousTierId", "introductoryAllowance")}, nil
	},
	SetRetention: func(_ *Record, s sides) (Reversal, error) {
		return Reversal{Field: "setRetention", Input: picked(s.before, "minutes", "hours", "days", "months")}, nil
	},
}

// noWayBack is why records of other actions can't be reverted.
var noWayBack = map[Action]string{
	ChangeTierMove:        "change the move back instead, or publish a version to move accounts anew",
	AdvanceTierMove:       "turn the move back instead, or publish the earlier version again",
	MoveAccount:           "accounts are moved to the current version of a tier only; move it to the tier of your choice instead",
	ScheduleAccountMove:   "cancel the move instead",
	CancelAccountMove:     "move the account again, now or at the end of its period",
	SetManager:            "set the manager again; the tool that keeps the files does so by itself",
	RevertPublication:     "publish the version again, and say what becomes of the accounts",
	StartPilot:            "end the pilot instead",
	ChangePilot:           "change the pilot back instead",
	EndPilot:              "start another pilot with the same limits",
	PromotePilot:          "revert the publication that is recorded with it, which puts the accounts back that it moved",
	SettlePilot:           "it only wrote down where accounts were already",
	SaveTierDraft:         "a draft is nobody's yet; save it as it should be",
	DiscardTierDraft:      "a draft is nobody's yet; save it as it should be",
	ImportEndpoints:       "import the document before it again",
	CreateAccount:         "an account can't be deleted; close it instead",
	ResetAccount:          "what its counters were is not known any more",
	EndOverride:           "its time was up; set it anew",
	EndTrial:              "its time was up; give the account another trial, or the tier and status of your choice",
	CreateKey:             "revoke the key instead; that is for good",
	RevokeKey:             "a revoked key is revoked for good; create another one",
	RotateKey:             "a key was handed out; update or revoke it instead",
	ReportLeakedKey:       "a leaked key stays revoked",
	AdjustUsage:           "void the correction instead",
	VoidUsage:             "make another correction instead",
	ImportUsage:           "void the corrections instead",
	ScheduleChange:        "cancel the scheduled change instead",
	CancelScheduledChange: "schedule it again",
	FailScheduledChange:   "it changed nothing",
}

// Reversal returns how to put the object back to what it was before the record. The
// error is why there is no way.
func (r *Record) Reversal() (Reversal, error) {
	back, ok := reversals[r.Action]
	if !ok {
		if why := noWayBack[r.Action]; why != "" {
			return Reversal{}, errors.New(why)
		}
		return Reversal{}, errors.New("what people and tokens do, and what is found of usage, can't be taken back here")
	}
	var s sides
	for text, to := range map[*[]byte]*map[string]any{(*[]byte)(&r.Before): &s.before, (*[]byte)(&r.After): &s.after} {
		if *text == nil {
			continue
		}
		value, err := read(*text)
		if err != nil {
			return Reversal{}, err
		}
		*to, _ = value.(map[string]any)
	}
	return back(r, s)
}

// undone is the way back from a creation: a deletion.
func undone(field string) func(*Record, sides) (Reversal, error) {
	return func(r *Record, _ sides) (Reversal, error) { return Reversal{Field: field, Input: r.Object.ID}, nil }
}

// again is the way back from a deletion: what there was is made again.
func again(field string, names ...string) func(*Record, sides) (Reversal, error) {
	return func(_ *Record, s sides) (Reversal, error) {
		return Reversal{Field: field, Input: picked(s.before, names...)}, nil
	}
}

// backTo is the way back from a change of some fields, of which one that is null is
// set by a flag of its own.
func backTo(field, nullable, flag string, names ...string) func(*Record, sides) (Reversal, error) {
	return func(_ *Record, s sides) (Reversal, error) {
		in := changed(s, names...)
		if v, ok := in[nullable]; ok && v == nil {
			delete(in, nullable)
			in[flag] = true
		}
		return withID(field, s, in)
	}
}

func withID(field string, s sides, in map[string]any) (Reversal, error) {
	if len(in) == 0 {
		return Reversal{}, errors.New("it changed nothing that can be put back")
	}
	in["id"] = s.before["id"]
	return Reversal{Field: field, Input: in}, nil
}

func backToAccount(_ *Record, s sides) (Reversal, error) {
	if s.after["status"] == "CLOSED" && s.before["status"] != "CLOSED" {
		return Reversal{}, errors.New("closing an account revoked its keys, for good; set its status to SUSPENDED to reopen it")
	}
	in := changed(s, "name", "timeZone", "billingDay", "status")
	if len(changed(s, "tierId", "onDefaultTier")) > 0 {
		if s.before["onDefaultTier"] == true {
			in["useDefaultTier"] = true
		} else {
			in["tierId"] = s.before["tierId"]
		}
	}
	if trial, ok := changed(s, "trial")["trial"].(map[string]any); ok {
		in["trial"] = picked(trial, "endsAt", "then", "tierId")
	}
	if was, ok := changed(s, "labels")["labels"].(map[string]any); ok {
		list := []any{}
		for key, value := range was {
			list = append(list, map[string]any{"key": key, "value": value})
		}
		in["labels"] = list
	}
	return withID("updateAccount", s, in)
}

// backToVersions is the way back from a publication for the accounts that it moved. There
// is no mutation of its own for that: the input is empty.
func backToVersions(_ *Record, s sides) (Reversal, error) {
	move, _ := s.after["move"].(map[string]any)
	_, counted := s.after["movedAccounts"] // not of a pilot that was promoted
	if move["when"] == "NONE" && counted {
		return Reversal{}, errors.New("it moved no accounts; publish the earlier version again, for those who come to the tier")
	}
	return Reversal{Field: "publishTier"}, nil
}

func backToOverride(r *Record, s sides) (Reversal, error) {
	if s.before == nil {
		return Reversal{Field: "deleteOverride", Input: r.Object.ID}, nil
	}
	return Reversal{Field: "setOverride", Input: override(r, s.before)}, nil
}

func override(r *Record, state map[string]any) map[string]any {
	in := picked(state, "limitId", "amount", "burst", "mode", "until", "note")
	in["accountId"] = r.account()
	return in
}

func backToKey(_ *Record, s sides) (Reversal, error) {
	in := changed(s, "name", "suspended", "expiresAt", "scope")
	if at, ok := in["expiresAt"]; ok && at == nil {
		delete(in, "expiresAt")
		in["neverExpires"] = true
	}
	if scope, ok := in["scope"]; ok && scope == nil {
		in["scope"] = map[string]any{"readsOnly": false, "endpointIds": []any{}, "groupIds": []any{}}
	}
	return withID("updateKey", s, in)
}

// limits are a tier's limits as an input has them, with the ids of those that are
// among kept.
func limits(tier map[string]any, kept []any) []any {
	list, _ := tier["limits"].([]any)
	out := []any{}
	for _, value := range list {
		limit, _ := value.(map[string]any)
		in := map[string]any{}
		for name, v := range limit {
			if v != nil && (name != "id" || slices.Contains(kept, v)) {
				in[name] = v
			}
		}
		if adaptive, ok := in["adaptive"].(map[string]any); ok {
			in["adaptive"] = picked(adaptive, "errorPercent", "slowMs", "slowPercent", "floorPercent")
		}
		out = append(out, in)
	}
	return out
}

func limitIDs(tier map[string]any) []any {
	list, _ := tier["limits"].([]any)
	ids := []any{}
	for _, value := range list {
		if limit, ok := value.(map[string]any); ok {
			ids = append(ids, limit["id"])
		}
	}
	return ids
}

// picked are the fields of a state that are not null.
func picked(state map[string]any, names ...string) map[string]any {
	out := map[string]any{}
	for _, name := range names {
		if v := state[name]; v != nil {
			out[name] = v
		}
	}
	return out
}

// changed are the fields that differ between the sides, as they were before; null,
// too.
func changed(s sides, names ...string) map[string]any {
	out := map[string]any{}
	for _, name := range names {
		if !bytes.Equal(text(s.before[name]), text(s.after[name])) {
			out[name] = s.before[name]
		}
	}
	return out
}

// counters are fields that count changes, and are no difference by themselves.
var counters = []string{"revision", "resets"}

// ChangedSince returns what differs between an object after a record and what it is
// like now, by path, of the fields that both tell: records are of several forms.
func (r *Record) ChangedSince(now State) (paths []string, err error) {
	var was map[string]json.RawMessage
	if err := json.Unmarshal(r.After, &was); err != nil {
		return nil, err
	}
	is := State{}
	for name := range was {
		if v, ok := now[name]; ok {
			is[name] = v
		} else {
			delete(was, name)
		}
	}
	var between Record
	if between.Before, err = json.Marshal(was); err != nil {
		return nil, err
	}
	if between.After, err = json.Marshal(is); err != nil {
		return nil, err
	}
	changes, err := between.Changes()
	for _, c := range changes {
		if first, _, _ := strings.Cut(c.Path, "."); !slices.Contains(counters, first) {
			paths = append(paths, c.Path)
		}
	}
	return paths, err
}
