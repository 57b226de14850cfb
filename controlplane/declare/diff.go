package declare

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/weirhq/weir/controlplane/audit"
)

// differences tells what differs between two objects of one kind.
func differences(was, is any) ([]Field, error) {
	before, err := imageOf(was)
	if err != nil {
		return nil, err
	}
	after, err := imageOf(is)
	if err != nil {
		return nil, err
	}
	record := audit.Record{Before: before, After: after}
	changes, err := record.Changes()
	if err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	var fields []Field
	for _, c := range changes {
		fields = append(fields, Field{c.Path, c.Before, c.After})
	}
	return fields, nil
}

// created tells what an object is created with: what isn't at its default.
func created(is any) ([]Field, error) {
	was := json.RawMessage(`{}`)
	switch o := is.(type) {
	case *Tier:
		bare := *o
		bare.Limits = make([]Limit, len(o.Limits))
		for i, l := range o.Limits {
			bare.Limits[i] = l.bare()
		}
		is, was = &bare, json.RawMessage(`{"limits":{}}`)
	case *Account:
		was = json.RawMessage(`{"labels":{},"overrides":{},"identities":{}}`)
	}
	image, err := imageOf(is)
	if err != nil {
		return nil, err
	}
	record := audit.Record{Before: was, After: image}
	changes, err := record.Changes()
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	var fields []Field
	for _, c := range changes {
		if c.Path != "name" {
			fields = append(fields, Field{c.Path, nil, c.After})
		}
	}
	return fields, nil
}

// imageOf is an object as JSON, with lists by what tells their parts apart.
func imageOf(object any) (json.RawMessage, error) {
	image := object
	switch o := object.(type) {
	case *Tier:
		limits, order := map[string]Limit{}, make([]string, len(o.Limits))
		for i, l := range o.Limits {
			limits[l.Name], order[i] = l, l.Name
		}
		image = struct {
			Name   string           `json:"name"`
			Limits map[string]Limit `json:"limits"`
			Order  string           `json:"order,omitempty"`
		}{o.Name, limits, orderOf(order)}
	case *Account:
		labels := o.Labels
		if labels == nil {
			labels = map[string]string{}
		}
		overrides, identities := map[string]Override{}, map[string]Identity{}
		for _, v := range o.Overrides {
			overrides[v.Limit] = v
		}
		for _, v := range o.Identities {
			identities[v.Value+" ("+strings.TrimSpace(v.Kind+" "+v.Issuer)+")"] = v
		}
		image = struct {
			Account
			Labels     map[string]string   `json:"labels"`
			Overrides  map[string]Override `json:"overrides"`
			Identities map[string]Identity `json:"identities"`
		}{*o, labels, overrides, identities}
	}
	text, err := json.Marshal(image)
	if err != nil {
		return nil, fmt.Errorf("write an object: %w", err)
	}
	return text, nil
}

// orderOf tells another order of the same limits.
func orderOf(names []string) string {
	if slices.IsSorted(names) {
		return ""
	}
	return strings.Join(names, ", ")
}

func quoted(text string) json.RawMessage {
	quoted, err := json.Marshal(text)
	if err != nil {
		return nil // text can always be written
	}
	return quoted
}
