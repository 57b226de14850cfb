package book

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/weirhq/weir/plugin/internal/frame"
)

const anyMethod = "*"

// maxMatchSteps bounds how many nodes of the trie a match may visit. A policy
// whose templates overlap so much that some path could need more isn't compiled,
// so a match never gives up early.
const maxMatchSteps = 4096

// trieNode stands for the templates that begin with the same segments.
type trieNode struct {
	literals map[string]*trieNode
	param    *trieNode
	methods  map[string]uint32 // endpoint index, where a template ends here
}

// trie compiles the endpoints' templates.
func (c *compiler) trie() string {
	root, what := c.grow()
	if what != "" {
		return what
	}
	if steps := root.mostSteps(); steps > maxMatchSteps {
		return "endpoints: the templates overlap so much that to match a path can take " + strconv.Itoa(steps) +
			" steps, the most is " + strconv.Itoa(maxMatchSteps) + "; use fewer templates that differ only in {…} or text"
	}
	c.flatten(root)
	return ""
}

// grow returns the root of a tree of all templates.
func (c *compiler) grow() (root *trieNode, what string) {
	root = new(trieNode)
	for i, e := range c.p.Endpoints {
		end := root
		for segment := range strings.SplitSeq(e.Template[1:], "/") {
			end = end.child(segment)
		}
		if other, found := end.methods[e.Method]; found {
			return nil, named("endpoint", e.ID) + ": matches the same requests as " + named("endpoint", c.p.Endpoints[other].ID)
		}
		if end.methods == nil {
			end.methods = map[string]uint32{}
		}
		end.methods[e.Method] = uint32(i)
	}
	return root, ""
}

func (n *trieNode) child(segment string) *trieNode {
	if isParam(segment) {
		if n.param == nil {
			n.param = new(trieNode)
		}
		return n.param
	}
	next := n.literals[segment]
	if next == nil {
		if n.literals == nil {
			n.literals = map[string]*trieNode{}
		}
		next = new(trieNode)
		n.literals[segment] = next
	}
	return next
}

// mostSteps is how many nodes below and including n a match may visit: at each
// node one literal child, whose subtree may fail, and then the parameter's.
func (n *trieNode) mostSteps() int {
	steps := 1
	for _, child := range n.literals {
		steps = max(steps, 1+child.mostSteps())
	}
	if n.param != nil {
		steps += n.param.mostSteps()
	}
	return steps
}

// flatten writes the nodes level by level, so that parents come first and the
// edges and methods of a node follow those of the one before it.
func (c *compiler) flatten(root *trieNode) {
	queue := []*trieNode{root}
	for i := 0; i < len(queue); i++ {
		n := queue[i]
		firstEdge := len(c.sections[edges]) / recordBytes[edges]
		for _, label := range byHash(maps.Keys(n.literals)) {
			c.branch(edges, label, uint32(len(queue)))
			queue = append(queue, n.literals[label])
		}
		param := 0
		if n.param != nil {
			param = len(queue)
			queue = append(queue, n.param)
		}
		firstMethod := len(c.sections[methods]) / recordBytes[methods]
		for _, method := range byHash(maps.Keys(n.methods)) {
			c.branch(methods, method, n.methods[method])
		}
		c.sections[nodes] = frame.AppendU32(c.sections[nodes],
			uint32(firstEdge), uint32(len(n.literals)), uint32(param), uint32(firstMethod), uint32(len(n.methods)))
	}
}

func (c *compiler) branch(s section, label string, target uint32) {
	at, length := c.text(label)
	c.sections[s] = frame.AppendU32(c.sections[s], hashOf(label), at, length, target)
}

// byHash sorts labels by their hashes, then by themselves.
func byHash(labels iter.Seq[string]) []string {
	return slices.SortedFunc(labels, func(a, b string) int {
		return cmp.Or(cmp.Compare(hashOf(a), hashOf(b)), strings.Compare(a, b))
	})
}

func isParam(segment string) bool { return strings.HasPrefix(segment, "{") }

// templateFault says what is wrong with a path template; "" for nothing.
func templateFault(template string) string {
	if len(template) > MaxTemplateBytes || !strings.HasPrefix(template, "/") {
		return "template: it has to begin with a slash and have at most " + strconv.Itoa(MaxTemplateBytes) + " bytes"
	}
	segments := strings.Split(template[1:], "/")
	if len(segments) > MaxTemplateSegments {
		return frame.OutOfRange("template: segments", uint64(len(segments)), 1, MaxTemplateSegments)
	}
	for i, s := range segments {
		switch {
		case s == "" && i < len(segments)-1:
			return "template: an empty segment (two slashes in a row)"
		case isParam(s) && !isParamSegment(s), !isParam(s) && !only(s, isPathByte):
			return "template: segment " + strconv.Quote(s) + " is neither plain path text nor one {name}"
		}
	}
	if plain := PlainPath(template); plain != template {
		return "template: it has to be written " + strconv.Quote(plain)
	}
	return ""
}

func isParamSegment(s string) bool {
	if len(s) < len("{x}") || s[len(s)-1] != '}' || s[1] >= '0' && s[1] <= '9' {
		return false
	}
	return only(s[1:len(s)-1], func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
	})
}

// isPathByte says whether c may stand in a raw path: printable ASCII, but for
// what ends the path or marks a parameter.
func isPathByte(c byte) bool {
	return c > ' ' && c < 0x7f && c != '?' && c != '#' && c != '{' && c != '}'
}
