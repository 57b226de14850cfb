package cli

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/weirhq/weir/controlplane/client"
	"github.com/weirhq/weir/controlplane/declare"
)

// fileKeys are the keys in files of what the API calls otherwise.
var fileKeys = map[string]string{
	"groupId": "group", "endpointId": "endpoint", "tierId": "tier", "anonymousTierId": "anonymousTier", "limitId": "limit",
	"ungroup": "group", "allEndpoints": "endpoint", "useDefaultTier": "tier", "manager": "metadata.manager",
}

// inFile has an error of a change name the keys of the files, and what they have in
// lists by its name: limits.per-minute.amount for limits.0.amount.
func inFile(err error, is any) error {
	var refused *client.Error
	if !errors.As(err, &refused) {
		return err
	}
	for i := range refused.Faults {
		f := &refused.Faults[i]
		f.Field = fileKey(f.Field, is)
	}
	return err
}

func fileKey(field string, is any) string {
	var keys []string
	for _, word := range strings.Split(strings.TrimPrefix(field, "input."), ".") {
		if key, ok := fileKeys[word]; ok {
			word = key
		}
		if n, err := strconv.Atoi(word); err == nil && len(keys) == 1 {
			word = nameIn(is, keys[0], n, word)
		}
		keys = append(keys, word)
	}
	if len(keys) == 3 && keys[0] == "labels" {
		keys = keys[:2] // a label is its key with its value
	}
	return strings.Join(keys, ".")
}

// nameIn is the name of the nth in a list of an object, or otherwise what is given.
func nameIn(is any, list string, n int, otherwise string) string {
	switch is := is.(type) {
	case *declare.Tier:
		if list == "limits" && n < len(is.Limits) {
			return is.Limits[n].Name
		}
	case *declare.Account:
		if keys := slices.Sorted(maps.Keys(is.Labels)); list == "labels" && n < len(keys) {
			return keys[n]
		}
	}
	return otherwise
}
