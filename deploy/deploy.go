// Package deploy holds the configuration of an Envoy that runs the filter.
//
// In come addresses and the filter's settings; out comes Envoy's configuration
// as YAML. The node token is not part of it: Envoy hands the environment
// variable WEIR_NODE_TOKEN to the filter, and nothing else.
package deploy

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"text/template"
)

//go:embed envoy.yaml.tmpl
var envoyTemplate string

// Envoy says how one Envoy is set up. Addresses are host:port.
type Envoy struct {
	Gateway  string // where clients come in
	Admin    string // Envoy's own pages; never for clients
	Upstream string // what the gateway protects
	Edge     string // the control plane's edge listener
	EdgeTLS  *TLS   // how the edge is reached; nil: in plain HTTP
	Filter   string // path of the compiled filter

	Node      string // the name of this Envoy, 1 to 255 bytes
	FlushMS   int    // how often usage is sent, 100 to 60,000; 0: 1,000
	TickMS    int    // how often a worker looks for a new snapshot, 10 to 1,000; 0: 100
	KeyHeader string // the header that carries API keys; empty: x-api-key
	Unready   string // deny or allow requests before the first snapshot; empty: deny

	// How callers are found out; what is left empty has the filter's default.
	Identify        string // key, jwt, certificate and address in the order to try; empty: key
	Unknown         string // refuse a credential that nobody knows, or take it as none: anonymous; empty: refuse
	NoBearer        bool   // a bearer token is never an API key
	KeyQuery        string // the query parameter that carries API keys; empty: none
	StripKey        bool   // the upstream doesn't get the API key
	JWTPayload      string // jwt_authn's payload_in_metadata; empty: payload
	JWTSubjectClaim string // the claim that names the caller; empty: sub
	JWTTierClaim    string // the claim that names the tier; empty: none
	CertificateName string // uri_san, dns_san or subject; empty: uri_san

	XRateLimit bool   // X-RateLimit-* too
	Link       string // where a denied client finds out more; empty: nowhere
}

// TLS names PEM files on the machine of an Envoy.
type TLS struct {
	Name        string // the DNS name in the edge's certificate
	CA          string // who signs that
	Certificate string // what Envoy shows; empty: nothing
	Key         string // the key of it
}

func (t *TLS) check() error {
	switch {
	case t == nil:
		return nil
	case t.Name == "" || t.CA == "":
		return errors.New("EdgeTLS: give the name in the edge's certificate and the file of who signs it")
	case (t.Certificate == "") != (t.Key == ""):
		return errors.New("EdgeTLS: give Envoy's certificate and its key, both or neither")
	}
	return nil
}

// plugin is the filter's configuration, as it reads it.
type plugin struct {
	Node        string `json:"node"`
	EdgeCluster string `json:"edge_cluster"`
	FlushMS     int    `json:"flush_ms"`
	TickMS      int    `json:"tick_ms"`
	KeyHeader   string `json:"key_header"`
	Unready     string `json:"unready"`

	Identify        string `json:"identify,omitempty"`
	Unknown         string `json:"unknown,omitempty"`
	KeyBearer       *bool  `json:"key_bearer,omitempty"`
	KeyQuery        string `json:"key_query,omitempty"`
	StripKey        bool   `json:"strip_key,omitempty"`
	JWTPayload      string `json:"jwt_payload,omitempty"`
	JWTSubjectClaim string `json:"jwt_subject_claim,omitempty"`
	JWTTierClaim    string `json:"jwt_tier_claim,omitempty"`
	CertificateName string `json:"certificate_name,omitempty"`

	XRateLimit bool   `json:"x_ratelimit,omitempty"`
	Link       string `json:"link,omitempty"`
}

type address struct {
	Host string
	Port int
}

// Render returns Envoy's configuration. Errors name the field at fault.
func (e Envoy) Render() ([]byte, error) {
	var v struct {
		Node, Filter, Plugin             string
		Gateway, Admin, Upstream, Target address
		EdgeTLS                          *TLS
	}
	var faults []error
	for _, a := range []struct {
		field, text string
		to          *address
	}{
		{"Gateway", e.Gateway, &v.Gateway},
		{"Admin", e.Admin, &v.Admin},
		{"Upstream", e.Upstream, &v.Upstream},
		{"Edge", e.Edge, &v.Target},
	} {
		var err error
		if *a.to, err = parseAddress(a.field, a.text); err != nil {
			faults = append(faults, err)
		}
	}
	if e.Filter == "" {
		faults = append(faults, errors.New("Filter: give the path of the compiled filter"))
	}
	if e.Node == "" || len(e.Node) > 255 {
		faults = append(faults, errors.New("Node: give a name of 1 to 255 bytes"))
	}
	settings, err := e.plugin()
	if err := errors.Join(append(faults, e.EdgeTLS.check(), err)...); err != nil {
		return nil, fmt.Errorf("render Envoy's configuration: %w", err)
	}
	v.Node, v.Filter, v.Plugin, v.EdgeTLS = e.Node, e.Filter, settings, e.EdgeTLS

	t, err := template.New("envoy.yaml").Funcs(template.FuncMap{"text": quote}).Parse(envoyTemplate)
	if err != nil {
		return nil, fmt.Errorf("read the template of Envoy's configuration: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, v); err != nil {
		return nil, fmt.Errorf("render Envoy's configuration: %w", err)
	}
	return out.Bytes(), nil
}

func (e Envoy) plugin() (string, error) {
	p := plugin{
		Node: e.Node, EdgeCluster: "weir_edge", FlushMS: e.FlushMS, TickMS: e.TickMS, KeyHeader: e.KeyHeader, Unready: e.Unready,
		Identify: e.Identify, Unknown: e.Unknown, KeyQuery: e.KeyQuery, StripKey: e.StripKey,
		JWTPayload: e.JWTPayload, JWTSubjectClaim: e.JWTSubjectClaim, JWTTierClaim: e.JWTTierClaim, CertificateName: e.CertificateName,
		XRateLimit: e.XRateLimit, Link: e.Link,
	}
	if e.NoBearer {
		p.KeyBearer = new(bool)
	}
	if p.FlushMS == 0 {
		p.FlushMS = 1000
	}
	if p.TickMS == 0 {
		p.TickMS = 100
	}
	if p.KeyHeader == "" {
		p.KeyHeader = "x-api-key"
	}
	if p.Unready == "" {
		p.Unready = "deny"
	}
	text, err := json.Marshal(p)
	return string(text), err
}

// quote writes a text as JSON, which is a YAML scalar whatever is in it.
func quote(s string) (string, error) {
	text, err := json.Marshal(s)
	return string(text), err
}

func parseAddress(field, text string) (address, error) {
	host, port, err := net.SplitHostPort(text)
	n, portErr := strconv.Atoi(port)
	if err != nil || portErr != nil || host == "" || n < 1 || n > 65535 {
		return address{}, fmt.Errorf("%s: give host:port, not %q", field, text)
	}
	return address{host, n}, nil
}
