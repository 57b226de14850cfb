package audit

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/weirhq/weir/controlplane"
)

// Filter narrows the log. Zero values do not narrow.
type Filter struct {
	ActorKind controlplane.ActorKind
	ActorID   controlplane.ID
	Actions   []Action
	ObjectID  string // as the API has it, such as tier_3
	AccountID controlplane.ID
	RequestID string
	From, To  *time.Time // of the time of the change; To is exclusive
	Text      string     // part of the actor's or object's name, whatever the case
}

const maxText = 128

// Validate returns every mistake in a filter.
func (f *Filter) Validate() error {
	var faults []error
	for i, a := range f.Actions {
		if !slices.Contains(Actions(), a) {
			faults = append(faults, controlplane.Invalid("actions", "there is no action %q, number %d; auditActions lists them", a, i))
		}
	}
	for _, text := range []struct{ field, value string }{{"objectId", f.ObjectID}, {"requestId", f.RequestID}, {"text", f.Text}} {
		switch {
		case utf8.RuneCountInString(text.value) > maxText:
			faults = append(faults, controlplane.Invalid(text.field, "use at most %d characters", maxText))
		case !utf8.ValidString(text.value) || strings.ContainsFunc(text.value, unicode.IsControl):
			faults = append(faults, controlplane.Invalid(text.field, "leave out control characters, and use UTF-8"))
		}
	}
	if f.From != nil && f.To != nil && f.To.Before(*f.From) {
		faults = append(faults, controlplane.Invalid("to", "give a time after `from`"))
	}
	return errors.Join(faults...)
}

// Part is a stretch of the log.
type Part struct {
	After Anchor // the record before it; zero: it begins with the first
	Last  Anchor // its last record; zero: it goes on to the end
}

// Check is what to verify of the log.
type Check struct {
	From int64 // the first record; up to 1 is the beginning. The hash before it is taken for granted.
	// Anchors are what the log has to pass through. One that lies before From is where the
	// check begins, unless it goes on with another: Most is given, and an anchor names the
	// record before From.
	Anchors []Anchor
	Most    int64 // records to check; 0: all
}

// Report is what a verification found.
type Report struct {
	Checked int64       // records that are whole
	Last    Anchor      // the last of them
	Head    Anchor      // where the log ended when it was read
	Break   *BreakError // nil: what was checked is whole
}

// Complete says whether the whole of the log was checked, up to its head.
func (r *Report) Complete() bool { return r.Break == nil && r.Last == r.Head }
