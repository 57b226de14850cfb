package audit

import (
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// State is what an object is like, by the names of its fields in the API. Its
// values marshal to JSON with whole numbers only, and none is a secret or a digest
// of one.
type State map[string]any

// Image is an object at one time.
type Image struct {
	Object    Object
	AccountID controlplane.ID // whose it is; 0: no account's
	State     State
}

// Created is the entry of an object that is there from now on.
func Created(a Action, after Image) Entry {
	return Entry{Action: a, Object: after.Object, AccountID: after.AccountID, After: after.State}
}

// Changed is the entry of an object that is different from now on.
func Changed(a Action, before, after Image) Entry {
	return Entry{Action: a, Object: after.Object, AccountID: after.AccountID, Before: before.State, After: after.State}
}

// Deleted is the entry of an object that is gone from now on.
func Deleted(a Action, before Image) Entry {
	return Entry{Action: a, Object: before.Object, AccountID: before.AccountID, Before: before.State}
}

// OfTier is a tier as the log has it.
func OfTier(t controlplane.Tier) Image {
	return Image{Object{Tier, controlplane.KindTier.Format(t.ID), t.Name}, 0, State{
		"id": id(controlplane.KindTier, t.ID), "name": t.Name, "revision": t.Revision, "versionId": id(controlplane.KindVersion, t.VersionID), "limits": ofLimits(t.Limits),
	}}
}

// OfVersion is a version of the tier of that name as the log has it.
func OfVersion(v controlplane.TierVersion, tier string) Image {
	return Image{Object{TierVersion, controlplane.KindVersion.Format(v.ID), tier}, 0, State{
		"id": id(controlplane.KindVersion, v.ID), "tierId": id(controlplane.KindTier, v.TierID), "number": some(v.Number), "state": enum(v.State),
		"note": v.Note, "limits": ofLimits(v.Limits),
	}}
}

// OfMigration is when accounts move, as the log has it.
func OfMigration(m controlplane.Migration) State {
	s := State{"when": enum(m.When)}
	if m.When == controlplane.MoveSteps {
		s["steps"], s["stepMinutes"] = m.Steps, m.StepMinutes
	}
	return s
}

func ofLimits(limits []controlplane.Limit) []State {
	states := make([]State, len(limits))
	for i := range limits {
		states[i] = ofLimit(&limits[i])
	}
	return states
}

func ofLimit(l *controlplane.Limit) State {
	failMode := "CLOSED"
	if l.FailOpen {
		failMode = "OPEN"
	}
	s := State{
		"id": id(controlplane.KindLimit, l.ID), "name": l.Name, "subject": enum(l.Subject), "selector": enum(l.Selector),
		"endpointId": id(controlplane.KindEndpoint, l.Endpoint), "groupId": id(controlplane.KindGroup, l.Group),
		"measure": enum(l.Measure), "kind": enum(l.Kind), "amount": l.Amount, "period": enum(l.Period), "burst": some(l.Burst),
		"mode": enum(l.Mode), "gracePercent": some(l.GracePercent), "graceSeconds": some(l.GraceSeconds),
		"failMode": failMode, "refundErrors": l.RefundErrors, "adaptive": nil,
	}
	if a := l.Adaptive; a != (controlplane.Adaptive{}) {
		s["adaptive"] = State{"errorPercent": some(a.ErrorPercent), "slowMs": some(a.SlowMS), "slowPercent": some(a.SlowPercent), "floorPercent": a.FloorPercent}
	}
	return s
}

// OfDefaults is the default tiers as the log has them.
func OfDefaults(d controlplane.Defaults) Image {
	var introductory any
	if i := d.Introductory(); i != nil {
		introductory = State{"percent": i.Percent, "days": i.Days}
	}
	return Image{Object{Defaults, "", ""}, 0, State{
		"tierId": id(controlplane.KindTier, d.TierID), "anonymousTierId": id(controlplane.KindTier, d.AnonymousID), "introductoryAllowance": introductory, "revision": d.Revision,
	}}
}

// OfAccount is an account as the log has it.
func OfAccount(a controlplane.Account) Image {
	var trial any
	if t := a.Trial; t != nil {
		trial = State{"endsAt": at(&t.EndsAt), "then": enum(t.Then), "tierId": id(controlplane.KindTier, t.TierID)}
	}
	return Image{Object{Account, controlplane.KindAccount.Format(a.ID), a.Name}, a.ID, State{
		"id": id(controlplane.KindAccount, a.ID), "name": a.Name, "tierId": id(controlplane.KindTier, a.TierID), "onDefaultTier": a.OnDefaultTier,
		"status": enum(a.Status), "labels": ofLabels(a.Labels), "trial": trial, "closedAt": at(a.ClosedAt), "timeZone": a.TimeZone, "billingDay": a.BillingDay, "resets": a.Epoch, "revision": a.Revision,
	}}
}

func ofLabels(l controlplane.Labels) State {
	s := State{}
	for key, value := range l {
		s[key] = value
	}
	return s
}

// OfOverride is an override as the log has it, of the limit of that name.
func OfOverride(o controlplane.Override, limit string) Image {
	return Image{Object{Override, controlplane.KindOverride.Format(o.ID), limit}, o.AccountID, State{
		"id": id(controlplane.KindOverride, o.ID), "limitId": id(controlplane.KindLimit, o.LimitID), "amount": o.Amount,
		"burst": some(o.Burst), "mode": some(enum(o.Mode)), "until": at(o.Until), "note": o.Note, "introductory": o.Introductory, "revision": o.Revision,
	}}
}

// OfIdentity is an identity as the log has it.
func OfIdentity(i controlplane.Identity) Image {
	kind := "JWT_SUBJECT"
	if i.Kind == controlplane.Certificate {
		kind = "CERTIFICATE"
	}
	return Image{Object{Identity, controlplane.KindIdentity.Format(i.ID), i.Value}, i.AccountID, State{"id": id(controlplane.KindIdentity, i.ID), "kind": kind, "value": i.Value, "issuer": i.Issuer}}
}

// OfKey is a key as the log has it.
func OfKey(k controlplane.Key) Image {
	return Image{Object{Key, controlplane.KindKey.Format(k.ID), k.Name}, k.AccountID, State{
		"id": id(controlplane.KindKey, k.ID), "name": k.Name, "prefix": k.Prefix, "suspended": k.Suspended,
		"expiresAt": at(k.ExpiresAt), "revokedAt": at(k.RevokedAt), "environment": enum(k.Environment),
		"replacesId": id(controlplane.KindKey, k.Replaces), "scope": ofScope(*k.Scope()), "revision": k.Revision,
	}}
}

// ofScope is null for everything.
func ofScope(s controlplane.KeyScope) any {
	if s.Everything() {
		return nil
	}
	return State{"readsOnly": s.ReadsOnly, "endpointIds": ids(controlplane.KindEndpoint, s.EndpointIDs), "groupIds": ids(controlplane.KindGroup, s.GroupIDs)}
}

func ids(kind controlplane.Kind, all []controlplane.ID) []string {
	texts := make([]string, len(all))
	for i, n := range all {
		texts[i] = kind.Format(n)
	}
	return texts
}

// OfEndpoint is an endpoint as the log has it.
func OfEndpoint(e controlplane.Endpoint) Image {
	return Image{Object{Endpoint, controlplane.KindEndpoint.Format(e.ID), e.Method + " " + e.Template}, 0, State{
		"id": id(controlplane.KindEndpoint, e.ID), "method": e.Method, "template": e.Template, "cost": e.Cost, "groupId": id(controlplane.KindGroup, e.GroupID), "revision": e.Revision,
	}}
}

// OfEndpointGroup is a group of endpoints, with those that are in it, as the log has it.
func OfEndpointGroup(g controlplane.EndpointGroup, endpoints []controlplane.ID) Image {
	return Image{Object{EndpointGroup, controlplane.KindGroup.Format(g.ID), g.Name}, 0, State{
		"id": id(controlplane.KindGroup, g.ID), "name": g.Name, "endpointIds": ids(controlplane.KindEndpoint, endpoints),
	}}
}

// DeletedEndpoint is an endpoint as the log has it that goes with its meters.
func DeletedEndpoint(e controlplane.Endpoint, meters []controlplane.ID) Image {
	image := OfEndpoint(e)
	image.State["meterIds"], image.State["sourceId"] = ids(controlplane.KindMeter, meters), id(controlplane.KindSource, e.SourceID)
	return image
}

// OfMeter is a meter as the log has it.
func OfMeter(m controlplane.Meter) Image {
	return Image{Object{Meter, controlplane.KindMeter.Format(m.ID), m.Name}, 0, State{
		"id": id(controlplane.KindMeter, m.ID), "name": m.Name, "unit": m.Unit, "header": m.Header,
		"endpointId": id(controlplane.KindEndpoint, m.EndpointID), "hidden": m.Hidden, "revision": m.Revision,
	}}
}

// OfManaged is who keeps an object of that name in files, as the log has it.
func OfManaged(o controlplane.ManagedObject, name string) Image {
	kinds := map[controlplane.Kind]ObjectKind{controlplane.KindGroup: EndpointGroup, controlplane.KindEndpoint: Endpoint, controlplane.KindMeter: Meter, controlplane.KindTier: Tier}
	return Image{Object{kinds[o.Kind], o.Kind.Format(o.ID), name}, 0, State{"id": id(o.Kind, o.ID), "manager": some(o.Manager)}}
}

// OfRetention is the retention as the log has it.
func OfRetention(d controlplane.RetentionDays, revision int) Image {
	return Image{Object{Retention, "", ""}, 0, State{"minutes": d.Minutes, "hours": d.Hours, "days": d.Days, "months": d.Months, "revision": revision}}
}

// OfScheduledChange is a scheduled change as the log has it.
func OfScheduledChange(c controlplane.ScheduledChange) Image {
	return Image{Object{Scheduled, controlplane.KindSchedule.Format(c.ID), c.Field}, c.AccountID, State{
		"id": id(controlplane.KindSchedule, c.ID), "at": at(&c.At), "note": c.Note, "field": c.Field, "input": string(c.Input),
		"status": enum(c.Status), "fault": some(c.Fault),
	}}
}

// OfCorrection is a correction as the log has it. caller is of what kind its key
// is: a key or an identity.
func OfCorrection(c controlplane.Correction, caller controlplane.Kind) Image {
	return Image{Object{Correction, controlplane.KindCorrection.Format(c.ID), c.ClientID}, c.AccountID, State{
		"id": id(controlplane.KindCorrection, c.ID), "kind": c.Kind, "clientId": c.ClientID, "accountId": id(controlplane.KindAccount, c.AccountID),
		"keyId": id(caller, c.KeyID), "endpointId": id(controlplane.KindEndpoint, c.EndpointID), "tierId": id(controlplane.KindTier, c.TierID),
		"at": at(&c.At), "requests": count(c.Requests), "cost": count(c.Cost), "bytesIn": count(c.BytesIn), "bytesOut": count(c.BytesOut),
		"meterId": id(controlplane.KindMeter, c.MeterID), "amount": count(c.Amount), "voids": id(controlplane.KindCorrection, c.Voids), "reason": c.Reason,
	}}
}

// id is null for none.
func id(kind controlplane.Kind, n controlplane.ID) any {
	if n == 0 {
		return nil
	}
	return kind.Format(n)
}

// enum is a value's name in the API.
func enum[T ~string](v T) string { return strings.ToUpper(string(v)) }

// some is null for a zero, where that stands for nothing.
func some[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// count is text for a number that not every program reads exactly.
func count(n int64) any {
	if n > maxExact || n < -maxExact {
		return strconv.FormatInt(n, 10)
	}
	return n
}

// at is null for no time.
func at(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}
