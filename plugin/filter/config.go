package filter

import (
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/weirhq/weir/plugin/wire"
)

// tokenVariable is where the node token is found. It isn't in the configuration
// because Envoy shows that in its config_dump.
const tokenVariable = "WEIR_NODE_TOKEN"

// config is the plugin's configuration.
type config struct {
	node         string // name of this Envoy, shown with its usage
	edgeCluster  string // Envoy cluster of the control plane's edge listener
	flushMS      int64  // the shortest time between two batches of usage
	tickMS       int64  // how often a VM looks for a new snapshot
	keyHeader    string // header field that carries the API key
	allowUnready bool   // let requests pass while there is no snapshot
}

// maxConfigBytes bounds the configuration before it is parsed.
const maxConfigBytes = 64 << 10

// parseConfig reads the plugin's configuration. Fields that are left out have
// their default, but node has none. The error names the field and what to do.
func parseConfig(text []byte) (config, error) {
	c := config{edgeCluster: "weir_edge", flushMS: 1000, tickMS: 100, keyHeader: "x-api-key"}
	if len(text) > maxConfigBytes {
		return c, errors.New("configuration: at most 64 KiB")
	}
	seen := map[string]bool{}
	err := eachField(text, func(field string, v flatValue) error {
		if seen[field] {
			return fieldError(field, "given twice")
		}
		seen[field] = true
		return c.set(field, v)
	})
	if err == nil && c.node == "" {
		err = fieldError("node", "give the name of this Envoy")
	}
	return c, err
}

func (c *config) set(field string, v flatValue) error {
	switch field {
	case "node":
		return setText(&c.node, field, v)
	case "edge_cluster":
		return setText(&c.edgeCluster, field, v)
	case "flush_ms":
		return setNumber(&c.flushMS, field, v, 100, 60_000)
	case "tick_ms":
		return setNumber(&c.tickMS, field, v, 10, 1000)
	case "key_header":
		if !isKeyHeader(v.text) {
			return fieldError(field, "give a lower-case header name, other than authorization and those that the filter sets")
		}
		c.keyHeader = v.text
		return nil
	case "unready":
		if v.text != "deny" && v.text != "allow" {
			return fieldError(field, `give "deny" or "allow"`)
		}
		c.allowUnready = v.text == "allow"
		return nil
	}
	return fieldError(field, "unknown field; known are node, edge_cluster, flush_ms, tick_ms, key_header and unready")
}

func setText(to *string, field string, v flatValue) error {
	if v.text == "" || len(v.text) > wire.MaxNodeBytes || !isPrintable(v.text) {
		return fieldError(field, "give a text of 1 to 255 printable bytes")
	}
	*to = v.text
	return nil
}

func setNumber(to *int64, field string, v flatValue, low, high int64) error {
	n, err := strconv.ParseInt(v.number, 10, 64)
	if !v.isNumber || err != nil || n < low || n > high {
		return fieldError(field, "give a whole number from "+strconv.FormatInt(low, 10)+" to "+strconv.FormatInt(high, 10))
	}
	*to = n
	return nil
}

func isPrintable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return false
		}
	}
	return true
}

func isKeyHeader(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "authorization" && s != headerAccount && s != headerKey && s != headerTier
}

// maxShownField bounds how much of an unknown field's name is logged.
const maxShownField = 64

func fieldError(field, advice string) error {
	if len(field) > maxShownField {
		field = field[:maxShownField]
	}
	return errors.New("configuration: " + strconv.Quote(field) + ": " + advice)
}

// parseToken checks the node token. Its text is never part of the error.
func parseToken(token string, found bool) (string, error) {
	if !found || token == "" {
		return "", errors.New("environment: " + tokenVariable + ": missing; list it in vm_config.environment_variables.host_env_keys and start Envoy with it")
	}
	if len(token) > 4096 {
		return "", errors.New("environment: " + tokenVariable + ": at most 4096 bytes")
	}
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return "", errors.New("environment: " + tokenVariable + ": only visible ASCII characters")
		}
	}
	return token, nil
}
