package openapi

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/book"
)

// Existing is an endpoint that there is.
type Existing struct {
	controlplane.Endpoint
	Group  string // its group's name; empty for none
	Source string // the source that it came from; empty for none
}

// Options say how a document is to be imported.
type Options struct {
	// Source is what the document's endpoints are remembered by; empty: its title.
	Source string
	// BasePath comes before every path; nil: the document's first.
	BasePath *string
	// GroupByTag puts endpoints that are in no group into that of their first tag.
	GroupByTag bool
}

// Kind is what a document says of an endpoint.
type Kind string

// The kinds.
const (
	Added     Kind = "ADDED"
	Changed   Kind = "CHANGED"
	Unchanged Kind = "UNCHANGED"
	Missing   Kind = "MISSING"  // it came from this source, and the document hasn't got it
	Conflict  Kind = "CONFLICT" // it is left as it is; Note says why
)

// Change is what importing a document does to one endpoint.
type Change struct {
	Kind     Kind
	Line     int // of the document; 0 when it isn't there
	Method   string
	Template string
	Cost     int
	Group    string    // empty for none
	Note     string    // what is to be known of it
	Before   *Existing // nil when there is none
}

// Comparison is what importing a document does.
type Comparison struct {
	Source   string
	BasePath string
	Changes  []Change // by kind, template and method
}

// route is what tells endpoints apart.
type route struct{ method, path string }

// Compare says what importing the document does to the endpoints that there are.
// One that matches the same requests stays the same endpoint, whatever its
// parameters are called, with its limits, its group and its usage. Nothing is said
// of endpoints that came from elsewhere and aren't in the document. The errors are
// the caller's.
func (d *Document) Compare(existing []Existing, o Options) (*Comparison, error) {
	c := &Comparison{Source: cmp.Or(o.Source, truncated(d.Title, maxSource)), BasePath: d.BasePaths[0]}
	if err := controlplane.ValidateEndpointGroup(&c.Source); err != nil {
		return nil, controlplane.Invalid("source", "give a name of 1 to %d characters for what is imported", maxSource)
	}
	if o.BasePath != nil {
		c.BasePath = strings.TrimRight(*o.BasePath, "/")
		if c.BasePath != "" && (c.BasePath[0] != '/' || escape(strings.ReplaceAll(c.BasePath, "/", "")) != strings.ReplaceAll(c.BasePath, "/", "") || book.PlainPath(c.BasePath) != c.BasePath) {
			return nil, controlplane.Invalid("basePath", "give a path such as /v1, or an empty text for none")
		}
	}
	there := make(map[route]*Existing, len(existing))
	for i := range existing {
		there[route{existing[i].Method, controlplane.RouteOf(existing[i].Template)}] = &existing[i]
	}
	lines := map[route]int{}
	for i := range d.Operations {
		c.Changes = append(c.Changes, c.operation(d, &d.Operations[i], o, there, lines))
	}
	for r, e := range there {
		if lines[r] == 0 && e.Source == c.Source {
			c.Changes = append(c.Changes, Change{Kind: Missing, Method: e.Method, Template: e.Template, Cost: e.Cost, Group: e.Group, Before: e})
		}
	}
	slices.SortFunc(c.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), cmp.Compare(a.Template, b.Template), cmp.Compare(a.Method, b.Method), cmp.Compare(a.Line, b.Line))
	})
	return c, nil
}

// rank puts first what is to be looked at first.
func rank(k Kind) int { return slices.Index([]Kind{Conflict, Missing, Changed, Added, Unchanged}, k) }

func (c *Comparison) operation(d *Document, op *Operation, o Options, there map[route]*Existing, lines map[route]int) Change {
	n := Change{Line: op.Line, Method: op.Method, Cost: max(1, op.Cost)}
	n.Template, n.Note = templateOf(c.baseOf(d, op), op.Path)
	r := route{n.Method, controlplane.RouteOf(n.Template)}
	n.Before = there[r]
	if n.Before != nil {
		n.Group = n.Before.Group
		if op.Cost == 0 {
			n.Cost = n.Before.Cost
		}
	}
	if o.GroupByTag && n.Group == "" {
		n.Group = truncated(op.Tag, maxGroup)
	}
	refuse := func(why string, args ...any) Change {
		n.Kind, n.Note = Conflict, fmt.Sprintf(why, args...)
		return n
	}
	fault := controlplane.ValidateEndpoint(controlplane.Endpoint{Method: n.Method, Template: n.Template, Cost: n.Cost})
	switch {
	case strings.ContainsAny(op.Path, "?#"):
		return refuse("endpoints are told apart by their path, and this has a query or a fragment")
	case fault != nil:
		return refuse("%s", controlplane.Faults(fault)[0].Message)
	case lines[r] != 0:
		return refuse("it matches the same requests as what stands on line %d", lines[r])
	}
	lines[r] = op.Line
	switch b := n.Before; {
	case b == nil:
		n.Kind = Added
	case b.Source != "" && b.Source != c.Source:
		return refuse("it came from %s, and stays as that has it", b.Source)
	case b.Template != n.Template || b.Cost != n.Cost || b.Group != n.Group:
		n.Kind = Changed
	default:
		n.Kind = Unchanged
	}
	return n
}

// baseOf returns what comes before the path of an operation: the chosen one, unless
// that is a choice among the document's and the operation has servers of its own.
func (c *Comparison) baseOf(d *Document, op *Operation) string {
	if len(op.BasePaths) == 0 || !slices.Contains(d.BasePaths, c.BasePath) || slices.Contains(op.BasePaths, c.BasePath) {
		return c.BasePath
	}
	return op.BasePaths[0]
}

// Bounds of names that are made of a document's words, characters.
const (
	maxSource = 64
	maxGroup  = 64
)

func truncated(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return strings.TrimSpace(string(runes[:most]))
	}
	return s
}

// Plan identifies what the comparison does, and which of the missing endpoints are
// deleted: another one of the same plan does the same.
func (c *Comparison) Plan(deleted map[controlplane.ID]bool) (string, error) {
	hash := sha256.New()
	if err := json.NewEncoder(hash).Encode([]any{c, deleted}); err != nil {
		return "", fmt.Errorf("write the plan: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
