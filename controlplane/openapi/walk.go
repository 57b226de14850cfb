package openapi

import (
	"fmt"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/weirhq/weir/controlplane"
)

// place is a value of the document, and how one gets there.
type place struct {
	*yaml.Node
	path string // such as paths./users/{id}.get
}

// walker reads one document.
type walker struct {
	root   *yaml.Node
	visits int
}

// fault is a mistake at a place of the document.
func fault(at place, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if at.path == "" {
		return controlplane.Invalid("document", "line %d: %s", at.Line, what)
	}
	return controlplane.Invalid("document", "line %d, %s: %s", at.Line, at.path, what)
}

// visit counts a step, and follows an alias. Aliases may lead to the same value
// over and over, so that steps are bounded and not values.
func (w *walker) visit(at place) (place, error) {
	for at.Kind == yaml.AliasNode {
		if w.visits++; w.visits > maxVisits || at.Alias == nil {
			return at, fault(at, "this takes too many steps to read; write it with fewer aliases and references")
		}
		at.Node = at.Alias
	}
	if w.visits++; w.visits > maxVisits {
		return at, fault(at, "this takes too many steps to read; write it with fewer aliases and references")
	}
	return at, nil
}

// fields calls do with each field of a mapping, in order. YAML's merge keys (<<) are
// no part of OpenAPI and are refused, as they would be passed over.
func (w *walker) fields(at place, do func(name string, value place) error) error {
	at, err := w.visit(at)
	if err != nil {
		return err
	}
	if at.Kind != yaml.MappingNode {
		return fault(at, "this has to be a mapping of names to values")
	}
	seen := make(map[string]bool, len(at.Content)/2)
	for i := 0; i+1 < len(at.Content); i += 2 {
		name, err := w.visit(place{at.Content[i], at.path})
		if err != nil {
			return err
		}
		value := place{at.Content[i+1], join(at.path, name.Value)}
		switch {
		case name.Kind != yaml.ScalarNode:
			return fault(name, "a name has to be text")
		case name.Tag == "!!merge":
			return fault(name, "merge keys (<<) are not read; write out what is meant")
		case seen[name.Value]:
			return fault(place{name.Node, value.path}, "this is here twice")
		}
		seen[name.Value] = true
		if value, err = w.visit(value); err != nil {
			return err
		}
		if err := do(name.Value, value); err != nil {
			return err
		}
	}
	return nil
}

// items calls do with each item of a list.
func (w *walker) items(at place, do func(place) error) error {
	at, err := w.visit(at)
	if err != nil {
		return err
	}
	if at.Kind != yaml.SequenceNode {
		return fault(at, "this has to be a list")
	}
	for i, item := range at.Content {
		item, err := w.visit(place{item, join(at.path, fmt.Sprint(i))})
		if err != nil {
			return err
		}
		if err := do(item); err != nil {
			return err
		}
	}
	return nil
}

// text reads a scalar as it is written.
func text(at place) (string, error) {
	if at.Kind != yaml.ScalarNode || at.Tag == "!!null" {
		return "", fault(at, "this has to be text")
	}
	return at.Value, nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// resolve returns what a reference within the document leads to.
func (w *walker) resolve(at place, reference string) (place, error) {
	pointer, here := strings.CutPrefix(reference, "#")
	if !here {
		return at, fault(at, "the reference %q leads out of the document, and nothing else is read; bundle it into one document first", cut(reference))
	}
	pointer, err := url.PathUnescape(pointer)
	if err != nil || pointer != "" && pointer[0] != '/' {
		return at, fault(at, "the reference %q is no JSON pointer", cut(reference))
	}
	to := place{w.root, ""}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		name := strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		next, err := w.field(to, name)
		if err != nil {
			return at, err
		}
		if next.Node == nil {
			return at, fault(at, "the reference %q leads nowhere", cut(reference))
		}
		to = next
	}
	to.path = at.path
	return to, nil
}

// field returns one field of a mapping; without a node when there is none.
func (w *walker) field(at place, wanted string) (place, error) {
	at, err := w.visit(at)
	if err != nil || at.Kind != yaml.MappingNode {
		return place{}, err
	}
	for i := 0; i+1 < len(at.Content); i += 2 {
		name, err := w.visit(place{at.Content[i], at.path})
		if err != nil {
			return place{}, err
		}
		if name.Value == wanted {
			return w.visit(place{at.Content[i+1], join(at.path, wanted)})
		}
	}
	return place{}, nil
}

// cut keeps a quotation short.
func cut(s string) string {
	const most = 100
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
