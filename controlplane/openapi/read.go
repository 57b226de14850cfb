package openapi

import (
	"crypto/sha256"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/weirhq/weir/controlplane"
)

// Document is what an OpenAPI document says of endpoints.
type Document struct {
	OpenAPI string // version of the format, such as 3.1.0
	Title   string
	Version string
	Digest  [sha256.Size]byte // of its text
	// BasePaths are the paths of its servers, each once, in their order: such as /v1,
	// or empty for none. There is always one.
	BasePaths  []string
	Operations []Operation
}

// Operation is one method of one path.
type Operation struct {
	Line   int
	Method string // upper case
	Path   string // as it stands there, without the server's
	// BasePaths are those of servers of its own; none: the document's hold.
	BasePaths []string
	Cost      int // cost units, by x-weir-cost; 0: it says nothing
	Tag       string
}

// Bounds of what is shown of a document, characters.
const maxTitle = 200

var supported = regexp.MustCompile(`^3\.[01]\.\d+(-.+)?$`)

// methods are the fields of a path that are operations.
var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

// Read reads a document. Its errors are the caller's, with field document.
func Read(source []byte) (*Document, error) {
	root, err := parse(source)
	if err != nil {
		return nil, err
	}
	w := &walker{root: root}
	d := &Document{Digest: sha256.Sum256(source)}
	if err := w.document(d); err != nil {
		return nil, err
	}
	return d, nil
}

func (w *walker) document(d *Document) error {
	var paths place
	var found bool // of the document's servers
	err := w.fields(place{w.root, ""}, func(name string, value place) (err error) {
		switch name {
		case "openapi":
			d.OpenAPI, err = text(value)
			if err == nil && !supported.MatchString(d.OpenAPI) {
				err = fault(value, "this is version %q; give a document of OpenAPI 3.0 or 3.1", cut(d.OpenAPI))
			}
		case "swagger":
			err = fault(value, "this is Swagger 2.0; convert it to OpenAPI 3 first")
		case "info":
			err = w.info(d, value)
		case "servers":
			found = true
			d.BasePaths, err = w.servers(value)
		case "paths":
			paths = value
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case d.OpenAPI == "":
		return fault(place{w.root, ""}, "there is no field openapi; give a document of OpenAPI 3.0 or 3.1")
	case d.Title == "":
		return fault(place{w.root, ""}, "there is no info.title")
	case paths.Node == nil:
		return fault(place{w.root, ""}, "there is no field paths, and so nothing to import")
	}
	if !found || len(d.BasePaths) == 0 {
		d.BasePaths = []string{""}
	}
	return w.paths(d, paths)
}

func (w *walker) info(d *Document, at place) error {
	return w.fields(at, func(name string, value place) (err error) {
		switch name {
		case "title":
			d.Title, err = shown(value)
		case "version":
			d.Version, err = shown(value)
		}
		return err
	})
}

// shown reads a text that people are shown.
func shown(at place) (string, error) {
	s, err := text(at)
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if runes := []rune(s); len(runes) > maxTitle {
		s = string(runes[:maxTitle])
	}
	return s, err
}

func (w *walker) paths(d *Document, at place) error {
	return w.fields(at, func(path string, item place) error {
		if strings.HasPrefix(path, "x-") {
			return nil
		}
		if !strings.HasPrefix(path, "/") {
			return fault(item, "a path has to begin with a slash")
		}
		return w.item(d, path, item)
	})
}

// maxReferences is how many references may lead on to one another.
const maxReferences = 8

// item reads the operations of one path; from are the places whose references led there.
func (w *walker) item(d *Document, path string, at place, from ...place) error {
	var bases []string
	var operations []Operation
	if at.Kind == yaml.ScalarNode && at.Tag == "!!null" {
		return nil
	}
	err := w.fields(at, func(name string, value place) (err error) {
		switch {
		case name == "$ref":
			reference, err := text(value)
			if err != nil {
				return err
			}
			to, err := w.resolve(value, reference)
			if err != nil {
				return err
			}
			led := append(slices.Clone(from), at)
			switch {
			case slices.ContainsFunc(led, func(p place) bool { return p.Node == to.Node }):
				return fault(place{value.Node, led[0].path}, "this refers to itself")
			case len(from) == maxReferences:
				return fault(place{value.Node, led[0].path}, "references lead on to one another more than %d times", maxReferences)
			}
			return w.item(d, path, to, led...)
		case name == "servers":
			bases, err = w.servers(value)
		case slices.Contains(methods, name):
			operation := Operation{Line: value.Line, Method: strings.ToUpper(name), Path: path}
			err = w.operation(&operation, value)
			operations = append(operations, operation)
		}
		return err
	})
	for _, o := range operations {
		if len(o.BasePaths) == 0 {
			o.BasePaths = bases
		}
		d.Operations = append(d.Operations, o)
	}
	if err == nil && len(d.Operations) > MaxOperations {
		return fault(at, "a document has at most %d operations", MaxOperations)
	}
	return err
}

func (w *walker) operation(o *Operation, at place) error {
	return w.fields(at, func(name string, value place) (err error) {
		switch name {
		case "servers":
			o.BasePaths, err = w.servers(value)
		case "tags":
			err = w.items(value, func(tag place) error {
				s, err := shown(tag)
				if o.Tag == "" {
					o.Tag = s
				}
				return err
			})
		case "x-weir-cost":
			o.Cost, err = strconv.Atoi(value.Value)
			if value.Kind != yaml.ScalarNode || value.Tag != "!!int" || err != nil || o.Cost < 1 || o.Cost > controlplane.MaxCost {
				return fault(value, "give a whole number from 1 to %d", controlplane.MaxCost)
			}
		}
		return err
	})
}
