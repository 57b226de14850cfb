package openapi

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weirhq/weir/controlplane"
)

// Choice says which of the changes are made, each called as Change.Name is; nil, nil: all.
type Choice struct {
	Only   []string // these, and nothing else
	Except []string // all but these
}

// Name is what the change is chosen by, such as GET /v1/users/{id}. Other names of
// parameters mean the same one.
func (c *Change) Name() string { return c.Method + " " + c.Template }

// Choose says which of the changes are made, in their order. deleted are the missing
// endpoints that the import deletes; of the others it has nothing to make. The errors
// are the caller's, and name the choice that can't be.
func (c *Comparison) Choose(choice Choice, deleted map[controlplane.ID]bool) ([]bool, error) {
	chosen := make([]bool, len(c.Changes))
	if choice.Only != nil && choice.Except != nil {
		return nil, controlplane.Invalid("except", "give the changes to make or those to leave out, not both")
	}
	by := c.byRoute()
	named := func(field string, i int, name string) (*Change, int, error) {
		at, found := by[routeNamed(name)]
		if !found {
			return nil, 0, controlplane.Invalid(fmt.Sprintf("%s.%d", field, i), "the import has no change %s; name one as its changes have it, such as %s", strconv.Quote(name), c.example())
		}
		return &c.Changes[at], at, nil
	}
	for i, name := range choice.Only {
		change, at, err := named("only", i, name)
		if err != nil {
			return nil, err
		}
		if why := change.unchoosable(deleted); why != "" {
			return nil, controlplane.Invalid(fmt.Sprintf("only.%d", i), "%s can't be chosen: %s", change.Name(), why)
		}
		chosen[at] = true
	}
	if choice.Only != nil {
		return chosen, nil
	}
	for i := range chosen {
		chosen[i] = true
	}
	for i, name := range choice.Except {
		_, at, err := named("except", i, name)
		if err != nil {
			return nil, err
		}
		chosen[at] = false
	}
	return chosen, nil
}

// byRoute finds changes by what they match. Of several on one route, only the first is
// made: the others are conflicts.
func (c *Comparison) byRoute() map[route]int {
	by := make(map[route]int, len(c.Changes))
	for i := range c.Changes {
		r := routeNamed(c.Changes[i].Name())
		if at, taken := by[r]; !taken || c.Changes[at].Kind == Conflict {
			by[r] = i
		}
	}
	return by
}

// routeNamed is what a name of a change stands for.
func routeNamed(name string) route {
	method, template, _ := strings.Cut(strings.TrimSpace(name), " ")
	return route{strings.ToUpper(method), controlplane.RouteOf(strings.TrimSpace(template))}
}

// unchoosable says why a change can't be made; empty when it can, also when there is
// nothing to make, so that a choice can be given again.
func (c *Change) unchoosable(deleted map[controlplane.ID]bool) string {
	switch {
	case c.Kind == Conflict:
		return "it is left as it is, as " + c.Note
	case c.Kind == Missing && !deleted[c.Before.ID]:
		return "it is not in the document, and is deleted only with missing: DELETE and when no limit, key or meter names it"
	}
	return ""
}

// example is the name of a change, such as one that can be chosen.
func (c *Comparison) example() string {
	for i := range c.Changes {
		if c.Changes[i].Kind != Conflict {
			return strconv.Quote(c.Changes[i].Name())
		}
	}
	return `"GET /v1/users/{id}"`
}
