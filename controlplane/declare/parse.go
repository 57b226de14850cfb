package declare

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/unicode/norm"
)

// Bounds of files, so that a wrong one is told early.
const (
	MaxFileBytes = 16 << 20
	maxDocuments = 1000
)

// File is a file's name, as faults give it, and what is in it.
type File struct {
	Name    string
	Content []byte
}

// Parse reads files, each of which may have several YAML documents, as one document.
// The error is a join of all Faults.
func Parse(files []File) (*Document, error) {
	whole := &Document{}
	c := &checker{seen: map[string]origin{}}
	for _, f := range files {
		c.file = f.Name
		c.read(f.Content, whole)
	}
	whole.fill()
	c.references(whole)
	if len(c.faults) > 0 {
		return nil, errors.Join(c.faults...)
	}
	return whole, nil
}

// checker gathers faults.
type checker struct {
	file   string
	root   *yaml.Node // of the document that is being read
	seen   map[string]origin
	faults []error
}

func (c *checker) read(content []byte, whole *Document) {
	content = norm.NFC.Bytes(content) // as names are stored, wherever a file has one
	if len(content) > MaxFileBytes {
		c.faults = append(c.faults, FaultError{c.file, 1, "", fmt.Sprintf("the file has more than %d bytes; split it", MaxFileBytes)})
		return
	}
	nodes, strict := yaml.NewDecoder(bytes.NewReader(content)), yaml.NewDecoder(bytes.NewReader(content))
	strict.KnownFields(true)
	for range maxDocuments {
		var root yaml.Node
		var d Document
		err := nodes.Decode(&root)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = strict.Decode(&d)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			c.unreadable(err)
			if !onlyUnknown(err) {
				return
			}
		}
		c.root = &root
		c.check(&d)
		whole.add(d, c)
	}
	c.faults = append(c.faults, FaultError{c.file, 1, "", fmt.Sprintf("the file has more than %d documents; split it", maxDocuments)})
}

func (d *Document) add(part Document, c *checker) {
	if part.Metadata.Manager != "" {
		if d.Metadata.Manager != "" && d.Metadata.Manager != part.Metadata.Manager {
			c.at("metadata", "manager").add("", "another file says that the manager is %s; give one, or apply the files apart", d.Metadata.Manager)
		}
		d.Metadata = part.Metadata
	}
	if part.Defaults != nil {
		d.Defaults = part.Defaults
	}
	d.Groups = append(d.Groups, part.Groups...)
	d.Endpoints = append(d.Endpoints, part.Endpoints...)
	d.Meters = append(d.Meters, part.Meters...)
	d.Tiers = append(d.Tiers, part.Tiers...)
	d.Accounts = append(d.Accounts, part.Accounts...)
}

var (
	yamlLine     = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	unknownField = regexp.MustCompile(`^field (\S+) (not found|already set) in type declare\.(\w+)$`)
	wrongType    = regexp.MustCompile("^cannot unmarshal !!(\\w+)(?: `(.*)`)? into (\\S+)$")
)

// onlyUnknown says whether err is of fields that there aren't: all others were read.
func onlyUnknown(err error) bool {
	var several *yaml.TypeError
	return errors.As(err, &several) && !slices.ContainsFunc(several.Errors, func(text string) bool {
		if place := yamlLine.FindStringSubmatch(text); place != nil {
			text = place[2]
		}
		found := unknownField.FindStringSubmatch(text)
		return found == nil || found[2] == "already set"
	})
}

// unreadable tells what the YAML library says in terms of the file.
func (c *checker) unreadable(err error) {
	lines := []string{strings.TrimPrefix(err.Error(), "yaml: ")}
	var several *yaml.TypeError
	if errors.As(err, &several) {
		lines = several.Errors
	}
	for _, text := range lines {
		f := FaultError{File: c.file, Line: 1, Message: text}
		if found := yamlLine.FindStringSubmatch(text); found != nil {
			f.Line, _ = strconv.Atoi(found[1])
			f.Message = found[2]
		}
		if found := unknownField.FindStringSubmatch(f.Message); found != nil {
			f.Field, f.Message = found[1], "there is no such field here; see weir schema for those of a "+strings.ToLower(found[3])
			if found[2] == "already set" {
				f.Message = "it is given twice; leave one out"
			}
		} else if found := wrongType.FindStringSubmatch(f.Message); found != nil {
			f.Message = fmt.Sprintf("%q is a %s here where a %s belongs", found[2], yamlWords[found[1]], goWord(found[3]))
		}
		c.faults = append(c.faults, f)
	}
}

var yamlWords = map[string]string{"str": "text", "int": "number", "float": "number", "bool": "true or false", "map": "mapping", "seq": "list", "timestamp": "time", "null": "null"}

func goWord(typ string) string {
	switch {
	case strings.HasPrefix(typ, "int"):
		return "whole number"
	case strings.HasPrefix(typ, "[]"):
		return "list"
	case typ == "string":
		return "text"
	case typ == "bool":
		return "true or false"
	case typ == "time.Time":
		return "time such as 2026-01-31T12:00:00Z"
	}
	return "mapping"
}

// lineOf returns the line of what a path of fields and places leads to, or of the last
// that is there.
func lineOf(n *yaml.Node, path ...any) int {
	if n == nil {
		return 1
	}
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		return lineOf(n.Content[0], path...)
	}
	if n.Kind == yaml.AliasNode {
		return lineOf(n.Alias, path...)
	}
	if len(path) > 0 {
		switch step := path[0].(type) {
		case int:
			if n.Kind == yaml.SequenceNode && step < len(n.Content) {
				return lineOf(n.Content[step], path[1:]...)
			}
		case string:
			for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == step {
					if len(path) == 1 {
						return n.Content[i].Line
					}
					return lineOf(n.Content[i+1], path[1:]...)
				}
			}
		}
	}
	return n.Line
}
