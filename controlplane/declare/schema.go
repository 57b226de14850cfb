package declare

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema returns the JSON schema of a document, for editors.
func Schema() ([]byte, error) {
	schema, err := jsonschema.For[Document](nil)
	if err != nil {
		return nil, fmt.Errorf("make the schema: %w", err)
	}
	schema.Schema = "https://json-schema.org/draft/2020-12/schema"
	schema.Title = "Policy of Weir"
	lists := map[string]*jsonschema.Schema{
		"limit":    schema.Properties["tiers"].Items.Properties["limits"].Items,
		"move":     schema.Properties["tiers"].Items.Properties["move"],
		"account":  schema.Properties["accounts"].Items,
		"override": schema.Properties["accounts"].Items.Properties["overrides"].Items,
		"identity": schema.Properties["accounts"].Items.Properties["identities"].Items,
	}
	for name, values := range enums {
		kind, field, _ := strings.Cut(name, ".")
		for _, v := range values {
			lists[kind].Properties[field].Enum = append(lists[kind].Properties[field].Enum, v)
		}
	}
	nullless(schema)
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(text, '\n'), nil
}

// nullless takes out that lists may be null, which Go allows and files don't mean.
func nullless(s *jsonschema.Schema) {
	if i := slices.Index(s.Types, "null"); i >= 0 && len(s.Types) == 2 {
		s.Type, s.Types = s.Types[1-i], nil
	}
	for _, p := range s.Properties {
		nullless(p)
	}
	if s.Items != nil {
		nullless(s.Items)
	}
}
