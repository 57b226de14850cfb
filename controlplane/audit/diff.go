package audit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
)

// Change is one difference between what an object was and what it is.
type Change struct {
	Path          string          // names of fields, and of what stands in lists, joined by dots
	Before, After json.RawMessage // nil: not there
}

// Changes returns the differences between the two sides of a record, by path; none
// when it has only one. Its revision, which only counts them, is none. What stands in a list is told by its id, or else its place,
// and called by its name.
func (r *Record) Changes() ([]Change, error) {
	if r.Before == nil || r.After == nil {
		return nil, nil
	}
	before, err := read(r.Before)
	if err != nil {
		return nil, err
	}
	after, err := read(r.After)
	if err != nil {
		return nil, err
	}
	var changes []Change
	compare("", before, after, &changes)
	changes = slices.DeleteFunc(changes, func(c Change) bool { return c.Path == "revision" })
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.Path, b.Path) })
	return changes, nil
}

func read(text json.RawMessage) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// missing stands for what is not there, which null is.
type missing struct{}

func compare(path string, before, after any, changes *[]Change) {
	wasObject, isObject := children(before), children(after)
	if wasObject == nil || isObject == nil {
		if was, is := text(before), text(after); !bytes.Equal(was, is) {
			*changes = append(*changes, Change{path, was, is})
		}
		return
	}
	for _, key := range keysOf(wasObject, isObject) {
		was, is := wasObject.at(key), isObject.at(key)
		name := cmp.Or(isObject.names[key], wasObject.names[key])
		if path != "" {
			name = path + "." + name
		}
		compare(name, was, is, changes)
	}
}

// node is an object or a list by what tells its children apart.
type node struct {
	values map[string]any
	names  map[string]string
}

func (n *node) at(key string) any {
	if v, ok := n.values[key]; ok {
		return v
	}
	return missing{}
}

// children returns nil for what has none.
func children(v any) *node {
	n := &node{map[string]any{}, map[string]string{}}
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			n.values[key], n.names[key] = value, key
		}
	case []any:
		for i, value := range v {
			key, name := strconv.Itoa(i), strconv.Itoa(i)
			if object, ok := value.(map[string]any); ok {
				if id, ok := object["id"].(string); ok {
					key, name = id, id
				}
				if called, ok := object["name"].(string); ok {
					name = called
				}
			}
			n.values[key], n.names[key] = value, name
		}
	default:
		return nil
	}
	return n
}

func keysOf(nodes ...*node) []string {
	var keys []string
	for _, n := range nodes {
		for key := range n.values {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func text(v any) json.RawMessage {
	if _, ok := v.(missing); ok {
		return nil
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil // what was read as JSON can be written as such
	}
	return bytes.TrimSpace(out.Bytes())
}
