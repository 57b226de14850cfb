package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Error is what a control plane said is wrong with a call: one fault or several.
type Error struct {
	Faults    []Fault
	RequestID string // by which the control plane's log and the audit log have it; may be empty
}

// Fault is one thing that is wrong.
type Fault struct {
	Code    string // such as VALIDATION, NOT_FOUND, CONFLICT or FORBIDDEN; empty over HTTP
	Field   string // path in the input, such as limits.0.amount; empty for none
	Line    int    // of an import, from 1; 0 for none
	Message string // what to do
	// Changed is what somebody else changed of what an edit was to change, ChangedBy who
	// was the last and ChangedAt when, with CONFLICT; empty for what isn't known.
	Changed   []Change
	ChangedBy string
	ChangedAt string // RFC 3339
}

// Change is a field that somebody else changed; a side is null that was not there.
type Change struct {
	Path          string
	Before, After json.RawMessage
}

func (e *Error) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.String()
	}
	text := strings.Join(lines, "\n")
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

func (f Fault) String() string {
	text := f.Message
	if f.Field != "" {
		text = f.Field + ": " + text
	}
	if f.Line > 0 {
		text = fmt.Sprintf("line %d: %s", f.Line, text)
	}
	if f.ChangedBy != "" {
		text += fmt.Sprintf("; %s changed it at %s", f.ChangedBy, f.ChangedAt)
	}
	for _, c := range f.Changed {
		text += fmt.Sprintf("\n  %s: %s → %s", c.Path, shown(c.Before), shown(c.After))
	}
	return text
}

// shown is JSON as it is, up to a length.
func shown(value json.RawMessage) string {
	const most = 100
	text := []rune(string(value))
	switch {
	case len(text) == 0:
		return "null"
	case len(text) > most:
		return string(text[:most]) + "…"
	}
	return string(text)
}

// Has says whether a fault has the code.
func (e *Error) Has(code string) bool {
	return slices.ContainsFunc(e.Faults, func(f Fault) bool { return f.Code == code })
}

type graphqlError struct {
	Message    string
	Extensions struct {
		Code, Field, RequestID string
		Changed                []Change
		ChangedBy, ChangedAt   string
	}
}

func (c *Client) errorOf(all []graphqlError) *Error {
	e := &Error{}
	for _, one := range all {
		x := one.Extensions
		e.Faults = append(e.Faults, Fault{
			Code: x.Code, Field: c.field(x.Field), Message: one.Message, Changed: x.Changed, ChangedBy: x.ChangedBy, ChangedAt: x.ChangedAt,
		})
		e.RequestID = x.RequestID
	}
	return e
}

// problem is an RFC 9457 body.
type problem struct {
	Title, Detail string
	Errors        []Fault
}

// refused is the error of an answer that is not what was asked for.
func (c *Client) refused(answer *http.Response, content []byte) error {
	e := &Error{RequestID: answer.Header.Get("X-Request-Id")}
	var p problem
	var g struct{ Errors []graphqlError }
	switch {
	case answer.StatusCode == http.StatusUnauthorized:
		e.Faults = []Fault{{Code: "UNAUTHENTICATED", Message: "the control plane does not know the API token: it is mistyped, expired or revoked, or whoever made it can't sign in any more"}}
	case strings.HasPrefix(answer.Header.Get("Content-Type"), "application/problem+json") && json.Unmarshal(content, &p) == nil && p.Title != "":
		if e.Faults = p.Errors; len(e.Faults) == 0 {
			e.Faults = []Fault{{Message: p.Title + ": " + p.Detail}}
		}
		for i := range e.Faults {
			if f := &e.Faults[i]; f.Line == 0 { // otherwise it is a row's
				f.Field = c.field(f.Field)
			}
		}
	case json.Unmarshal(content, &g) == nil && len(g.Errors) > 0:
		e.Faults = c.errorOf(g.Errors).Faults
	default:
		e.Faults = []Fault{{Message: fmt.Sprintf("%s answered %s, which no control plane does; check the URL", c.base, answer.Status)}}
	}
	return e
}
