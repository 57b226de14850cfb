package suggest

import (
	"strings"

	"github.com/weirhq/weir/controlplane"
)

// node stands for the existing templates that begin with the same segments. A nil node
// stands for none.
type node struct {
	literals map[string]*node
	param    *node
	name     string // of the parameter that leads to param
	methods  []string
}

// treeOf returns the root of all templates, a slash at whose end makes no difference.
func treeOf(endpoints []controlplane.Endpoint) *node {
	root := &node{}
	for _, e := range endpoints {
		at := root
		for _, segment := range segmentsOf(e.Template) {
			at = at.grow(segment)
		}
		at.methods = append(at.methods, e.Method)
	}
	return root
}

func isParameter(segment string) bool { return strings.HasPrefix(segment, "{") }

func (n *node) grow(segment string) *node {
	if isParameter(segment) {
		if n.param == nil {
			n.param = &node{}
		}
		// The least of several, so that their order doesn't matter.
		if name := segment[1 : len(segment)-1]; n.name == "" || name < n.name {
			n.name = name
		}
		return n.param
	}
	next := n.literals[segment]
	if next == nil {
		if n.literals == nil {
			n.literals = map[string]*node{}
		}
		next = &node{}
		n.literals[segment] = next
	}
	return next
}

func (n *node) literal(segment string) *node {
	if n == nil {
		return nil
	}
	return n.literals[segment]
}

func (n *node) parameter() *node {
	if n == nil {
		return nil
	}
	return n.param
}

// maxSteps bounds how many nodes are looked at for one suggestion.
const maxSteps = 10_000

// losesTo reports whether some path that a template of the tree matches would be the
// new one's, were it made: it matches both, and where they differ first the new one has
// text. Templates that overlap in more ways than can be looked at lose, too.
func (n *node) losesTo(template []string, method string) bool {
	steps := maxSteps
	return n.loses(template, method, false, &steps)
}

// loses is losesTo for what is left of a template; ahead is whether it is preferred
// already by what came before.
func (n *node) loses(template []string, method string, ahead bool, steps *int) bool {
	if n == nil {
		return false
	}
	if *steps--; *steps < 0 {
		return true
	}
	if len(template) == 0 {
		return ahead && n.competes(method)
	}
	segment, rest := template[0], template[1:]
	if !isParameter(segment) {
		return n.literals[segment].loses(rest, method, ahead, steps) || n.param.loses(rest, method, true, steps)
	}
	if n.param.loses(rest, method, ahead, steps) {
		return true
	}
	if !ahead {
		return false // text of the tree's goes first
	}
	for _, next := range n.literals {
		if next.loses(rest, method, true, steps) {
			return true
		}
	}
	return false
}

// competes reports whether an endpoint that ends here takes requests that one of this
// method would take.
func (n *node) competes(method string) bool {
	for _, m := range n.methods {
		if m == method || m == "*" {
			return true
		}
	}
	return false
}
