package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/weirhq/weir/controlplane"
)

// Bounds of a document.
const (
	MaxBytes      = 5 << 20
	MaxOperations = 10_000

	maxValues = 600_000 // mappings, lists, keys and scalars
	maxDepth  = 200
	maxVisits = 1_000_000 // of values, however often aliases and references lead to one
)

// parse returns the root of a document's tree.
func parse(text []byte) (*yaml.Node, error) {
	if len(text) > MaxBytes {
		return nil, controlplane.Invalid("document", "a document has at most %d bytes; this one has %d", MaxBytes, len(text))
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	switch {
	case len(trimmed) == 0:
		return nil, controlplane.Invalid("document", "this is empty; give an OpenAPI 3.0 or 3.1 document as JSON or YAML")
	case trimmed[0] == '{':
		return parseJSON(text)
	}
	return parseYAML(text)
}

// yamlError is how the library tells of a place.
var yamlError = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)

func parseYAML(text []byte) (*yaml.Node, error) {
	// Each value has a sign of its own before or behind it, so that these bound what
	// the parser is going to allocate.
	signs := 0
	for _, sign := range []string{"\n", "\r", ",", ": ", "- ", "[", "{", "? "} {
		signs += bytes.Count(text, []byte(sign))
	}
	if signs > maxValues {
		return nil, tooMany()
	}
	documents := yaml.NewDecoder(bytes.NewReader(text))
	var root, next yaml.Node
	if err := documents.Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		what := yamlError.FindStringSubmatch(err.Error())
		switch {
		case what == nil:
			return nil, controlplane.Invalid("document", "this is not YAML: %v", err)
		case what[1] == "":
			return nil, controlplane.Invalid("document", "this is not YAML: %s", what[2])
		}
		return nil, controlplane.Invalid("document", "line %s: this is not YAML: %s", what[1], what[2])
	}
	if len(root.Content) != 1 {
		return nil, controlplane.Invalid("document", "this is empty; give an OpenAPI 3.0 or 3.1 document as JSON or YAML")
	}
	if err := documents.Decode(&next); !errors.Is(err, io.EOF) {
		return nil, controlplane.Invalid("document", "line %d: a second document begins here; import each by itself", max(next.Line, 1))
	}
	return root.Content[0], nil
}

func tooMany() error {
	return controlplane.Invalid("document", "this has more than %d values; leave schemas and examples out, they aren't read", maxValues)
}

// parseJSON reads JSON into the same tree. A YAML parser would take most of it, but
// not all escapes.
func parseJSON(text []byte) (*yaml.Node, error) {
	p := jsonParser{text: text, decoder: json.NewDecoder(bytes.NewReader(text))}
	p.decoder.UseNumber()
	root, err := p.value(0)
	if err == nil {
		if _, after := p.decoder.Token(); !errors.Is(after, io.EOF) {
			err = p.fault("there is more behind the end of the document")
		}
	}
	if known := controlplane.Faults(err); err != nil && len(known) == 0 {
		err = p.fault("this is not JSON: " + strings.TrimPrefix(err.Error(), "json: "))
	}
	return root, err
}

type jsonParser struct {
	text    []byte
	decoder *json.Decoder
	values  int
	line    int // of at, from 0
	at      int
}

// here returns the line of what was read last, from 1.
func (p *jsonParser) here() int {
	to := min(int(p.decoder.InputOffset()), len(p.text))
	if to > p.at {
		p.line += bytes.Count(p.text[p.at:to], []byte("\n"))
		p.at = to
	}
	return p.line + 1
}

func (p *jsonParser) fault(what string) error {
	return controlplane.Invalid("document", "line %d: %s", p.here(), what)
}

func (p *jsonParser) value(depth int) (*yaml.Node, error) {
	token, err := p.decoder.Token()
	if errors.Is(err, io.EOF) {
		return nil, p.fault("this is not JSON: it ends too early")
	}
	if err != nil {
		return nil, err
	}
	if p.values++; p.values > maxValues {
		return nil, tooMany()
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: p.here()}
	switch t := token.(type) {
	case json.Delim:
		if depth == maxDepth {
			return nil, p.fault("values stand more than 200 deep in one another")
		}
		n.Kind = yaml.SequenceNode
		if t == '{' {
			n.Kind = yaml.MappingNode
		}
		for p.decoder.More() {
			child, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		_, err := p.decoder.Token()
		return n, err
	case string:
		n.Tag, n.Value = "!!str", t
	case json.Number:
		n.Tag, n.Value = "!!float", t.String()
		if !strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!int"
		}
	case bool:
		n.Tag = "!!bool"
	case nil:
		n.Tag = "!!null"
	}
	return n, nil
}
