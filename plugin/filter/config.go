package filter

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weirhq/weir/plugin/wire"
)

// tokenVariable is where the node token is found. It isn't in the configuration
// because Envoy shows that in its config_dump.
const tokenVariable = "WEIR_NODE_TOKEN"

// way is a way to find out who sent a request.
type way uint8

const (
	byKey way = 1 + iota
	byJWT
	byCertificate
	byAddress
	maxWays = int(byAddress)
)

// config is the plugin's configuration.
type config struct {
	node        string // name of this Envoy, shown with its usage
	edgeCluster string // Envoy cluster of the control plane's edge listener
	flushMS     int64  // the shortest time between two batches of usage
	tickMS      int64  // how often a VM looks for a new policy
	holdMS      int64  // how long a request waits for a lease; 0: not at all

	identify  [maxWays]way // in order; 0 after the last
	keyHeader string       // header field that carries the API key; "" none
	keyBearer bool         // a bearer token may be an API key
	keyQuery  string       // query parameter that carries the API key; "" none
	stripKey  bool         // the upstream doesn't get the API key

	jwtPayload  string // name under which jwt_authn puts the payload
	jwtSubject  string // claim that names the caller
	jwtTier     string // claim that names the tier; "" none
	certificate certificateName

	allowUnknown bool   // a credential that nobody knows counts as none
	allowUnready bool   // let requests pass while there is no policy
	xRateLimit   bool   // X-RateLimit-* too
	link         string // where a denied client finds out more; "" nowhere
}

// certificateName is which name of a client certificate identifies.
type certificateName uint8

const (
	uriSAN certificateName = iota
	dnsSAN
	subjectName
)

// maxConfigBytes bounds the configuration before it is parsed.
const maxConfigBytes = 64 << 10

func defaultConfig() config {
	return config{
		edgeCluster: "weir_edge", flushMS: 1000, tickMS: 100, holdMS: 500,
		identify: [maxWays]way{byKey}, keyHeader: "x-api-key", keyBearer: true,
		jwtPayload: "payload", jwtSubject: "sub",
	}
}

// parseConfig reads the plugin's configuration. Fields that are left out have
// their default, but node has none. The error names the field and what to do.
func parseConfig(text []byte) (config, error) {
	c := defaultConfig()
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
	if err == nil && c.looksAt(byKey) && c.keyHeader == "" && !c.keyBearer && c.keyQuery == "" {
		err = fieldError("identify", "for key give key_header, key_bearer or key_query too")
	}
	return c, err
}

func (c *config) looksAt(w way) bool {
	for _, x := range c.identify {
		if x == w {
			return true
		}
	}
	return false
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
	case "hold_ms":
		return setNumber(&c.holdMS, field, v, 0, 5000)
	case "unready":
		return setWord(field, v, "deny", "allow", &c.allowUnready)
	case "x_ratelimit":
		return setTruth(&c.xRateLimit, field, v)
	case "link":
		return setLink(&c.link, field, v)
	}
	return c.setIdentity(field, v)
}

func (c *config) setIdentity(field string, v flatValue) error {
	switch field {
	case "identify":
		return c.setWays(field, v)
	case "unknown":
		return setWord(field, v, "refuse", "anonymous", &c.allowUnknown)
	case "key_header":
		if !v.isText || v.text != "" && !isKeyHeader(v.text) {
			return fieldError(field, "give a lower-case header name, other than authorization and those that the filter sets")
		}
		c.keyHeader = v.text
		return nil
	case "key_bearer":
		return setTruth(&c.keyBearer, field, v)
	case "key_query":
		return setName(&c.keyQuery, field, v)
	case "strip_key":
		return setTruth(&c.stripKey, field, v)
	case "jwt_payload":
		return setText(&c.jwtPayload, field, v)
	case "jwt_subject_claim":
		return setText(&c.jwtSubject, field, v)
	case "jwt_tier_claim":
		if v.isText && v.text == "" {
			c.jwtTier = ""
			return nil
		}
		return setText(&c.jwtTier, field, v)
	case "certificate_name":
		return c.setCertificate(field, v)
	}
	return fieldError(field, "unknown field; known are node, edge_cluster, flush_ms, tick_ms, hold_ms, unready, x_ratelimit, link, "+
		"identify, unknown, key_header, key_bearer, key_query, strip_key, jwt_payload, jwt_subject_claim, jwt_tier_claim and certificate_name")
}

func (c *config) setCertificate(field string, v flatValue) error {
	switch v.text {
	case "uri_san":
		c.certificate = uriSAN
	case "dns_san":
		c.certificate = dnsSAN
	case "subject":
		c.certificate = subjectName
	default:
		return fieldError(field, `give "uri_san", "dns_san" or "subject"`)
	}
	return nil
}

// setWays reads a list such as "key, jwt".
func (c *config) setWays(field string, v flatValue) error {
	const advice = "give some of key, jwt, certificate and address, each once, in the order to try, with commas between"
	c.identify = [maxWays]way{}
	for i, word := range strings.Split(v.text, ",") {
		var w way
		switch strings.TrimSpace(word) {
		case "key":
			w = byKey
		case "jwt":
			w = byJWT
		case "certificate":
			w = byCertificate
		case "address":
			w = byAddress
		}
		if w == 0 || i >= maxWays || c.looksAt(w) {
			return fieldError(field, advice)
		}
		c.identify[i] = w
	}
	return nil
}

func setText(to *string, field string, v flatValue) error {
	if v.text == "" || len(v.text) > wire.MaxNodeBytes || !isPrintable(v.text) {
		return fieldError(field, "give a text of 1 to 255 printable bytes")
	}
	*to = v.text
	return nil
}

// setName reads the name of a query parameter; it may be empty.
func setName(to *string, field string, v flatValue) error {
	if !v.isText || len(v.text) > 64 || strings.Trim(v.text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
		return fieldError(field, "give at most 64 letters, digits, hyphens, underscores and dots")
	}
	*to = v.text
	return nil
}

// setLink reads an address that goes into header fields and documents.
func setLink(to *string, field string, v flatValue) error {
	ok := v.isText && len(v.text) <= 1024 && (v.text == "" || strings.HasPrefix(v.text, "https://") || strings.HasPrefix(v.text, "http://"))
	for i := range len(v.text) {
		c := v.text[i]
		ok = ok && c > ' ' && c < 0x7f && c != '<' && c != '>' && c != '"'
	}
	if !ok {
		return fieldError(field, "give an http or https URL of at most 1,024 ASCII characters")
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

func setTruth(to *bool, field string, v flatValue) error {
	if !v.isTruth {
		return fieldError(field, "give true or false")
	}
	*to = v.truth
	return nil
}

// setWord reads one of two words; to becomes whether it is the second.
func setWord(field string, v flatValue, first, second string, to *bool) error {
	if v.text != first && v.text != second {
		return fieldError(field, "give "+strconv.Quote(first)+" or "+strconv.Quote(second))
	}
	*to = v.text == second
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
	if len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "authorization" && !strings.HasPrefix(s, headerPrefix)
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
