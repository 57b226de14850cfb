package client

import (
	_ "embed" // of the documents
	"encoding/json"
	"fmt"
)

//go:embed operations_gen.json
var exported []byte

// Documents returns the operations that a Client sends, each as it sends it.
func Documents() ([]string, error) {
	var all struct {
		Operations []struct{ Query string }
	}
	if err := json.Unmarshal(exported, &all); err != nil {
		return nil, fmt.Errorf("read the client's operations: %w", err)
	}
	texts := make([]string, len(all.Operations))
	for i, o := range all.Operations {
		texts[i] = o.Query
	}
	return texts, nil
}
