package graph

import (
	"encoding/json"
	"errors"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/graph/model"
)

// Bounds of one verification.
const (
	maxVerified = 100_000
	maxAnchors  = 100
)

// auditFilterOf reads a filter; nil does not narrow.
func auditFilterOf(in *model.AuditFilter) (f audit.Filter, err error) {
	if in == nil {
		return f, nil
	}
	var err1, err2 error
	if in.ActorID != nil {
		f.ActorKind, f.ActorID, err1 = audit.ParseActorID("filter.actorId", *in.ActorID)
	}
	if in.ActorKind != nil {
		if f.ActorID != 0 && f.ActorKind != *in.ActorKind {
			err1 = controlplane.Invalid("filter.actorKind", "actorId is of another kind; give one of the two")
		}
		f.ActorKind = *in.ActorKind
	}
	f.AccountID, err2 = optional(controlplane.KindAccount, "filter.accountId", in.AccountID)
	for _, a := range in.Actions {
		f.Actions = append(f.Actions, audit.Action(a))
	}
	for from, to := range map[*string]*string{in.ObjectID: &f.ObjectID, in.RequestID: &f.RequestID, in.Text: &f.Text} {
		if from != nil {
			*to = *from
		}
	}
	f.From, f.To = in.From, in.To
	return f, errors.Join(err1, err2, named("filter", f.Validate()))
}

// named puts the name of an input field before those of the fields in it.
func named(at string, err error) error {
	var faults []error
	for _, f := range controlplane.Faults(err) {
		renamed := *f
		renamed.Field = at + "." + f.Field
		faults = append(faults, &renamed)
	}
	return errors.Join(faults...)
}

// auditCheckOf reads what to verify.
func auditCheckOf(from int64, texts []string) (c audit.Check, err error) {
	c = audit.Check{From: from, Most: maxVerified}
	if from < 1 {
		return c, controlplane.Invalid("from", "give a number of at least 1")
	}
	if len(texts) > maxAnchors {
		return c, controlplane.Invalid("anchors", "give at most %d anchors", maxAnchors)
	}
	for i, text := range texts {
		anchor, err := audit.ParseAnchor(fieldOf("anchors", i), text)
		if err != nil {
			return c, err
		}
		c.Anchors = append(c.Anchors, anchor)
	}
	return c, nil
}

// jsonText is null for nothing.
func jsonText(text json.RawMessage) *string {
	if text == nil {
		return nil
	}
	s := string(text)
	return &s
}
