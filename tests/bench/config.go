package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/weirhq/weir/deploy"
)

// node is a mapping of Envoy's configuration.
type node = map[string]any

// list is a sequence of it.
type list = []any

// gateway is one Envoy that is to be configured.
type gateway struct {
	deploy.Envoy
	filter   node // in the place of Weir's; nil: none
	clusters list // to add
	limits   list // rate_limits of the virtual host
	keep     bool // Weir's own filter stays
}

// write puts the configuration into dir: the shipped one, in which what differs
// is what is compared.
func (g gateway) write(dir string) (path string, err error) {
	rendered, err := g.Render()
	if err != nil {
		return "", err
	}
	var config node
	if err := yaml.Unmarshal(rendered, &config); err != nil {
		return "", fmt.Errorf("read the shipped configuration: %w", err)
	}
	if err := g.change(config); err != nil {
		return "", err
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("write the configuration: %w", err)
	}
	path = filepath.Join(dir, "envoy.yaml")
	return path, os.WriteFile(path, text, 0o600)
}

func (g gateway) change(config node) error {
	static, err := at[node](config, "static_resources")
	manager, err2 := at[node](config, "static_resources", "listeners", 0, "filter_chains", 0, "filters", 0, "typed_config")
	host, err3 := at[node](config, "static_resources", "listeners", 0, "filter_chains", 0, "filters", 0, "typed_config", "route_config", "virtual_hosts", 0)
	filters, err4 := at[list](manager, "http_filters")
	clusters, err5 := at[list](static, "clusters")
	if err := errors.Join(err, err2, err3, err4, err5); err != nil {
		return fmt.Errorf("the shipped configuration has another form: %w", err)
	}
	weir := slices.IndexFunc(filters, func(f any) bool { name, err := at[string](f, "name"); return err == nil && name == "weir" })
	switch {
	case weir < 0:
		return errors.New("the shipped configuration has no filter named weir")
	case g.keep:
	case g.filter != nil:
		filters[weir] = g.filter
	default:
		filters = slices.Delete(filters, weir, weir+1)
	}
	manager["http_filters"] = filters
	static["clusters"] = append(clusters, g.clusters...)
	if g.limits != nil {
		host["rate_limits"] = g.limits
	}
	return nil
}

// at returns what is under these names and positions.
func at[T any](in any, path ...any) (T, error) {
	v := in
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := v.(node)
			v = m[s]
		case int:
			l, _ := v.(list)
			if s >= len(l) {
				l = make(list, s+1)
			}
			v = l[s]
		}
	}
	t, ok := v.(T)
	if !ok {
		return t, fmt.Errorf("%v is a %T", path, v)
	}
	return t, nil
}

// typed is a filter of Envoy's.
func typed(name, message string, fields node) node {
	fields["@type"] = "type.googleapis.com/" + message
	return node{"name": name, "typed_config": fields}
}

func wasmFilter(name, module string) node {
	return typed(name, "envoy.extensions.filters.http.wasm.v3.Wasm", node{"config": node{
		"name": name,
		"vm_config": node{
			"vm_id": name, "runtime": "envoy.wasm.runtime.v8",
			"code": node{"local": node{"filename": module}},
		},
	}})
}

// nativeFilter is Envoy's own token bucket: one, for everybody.
func nativeFilter() node {
	always := node{"default_value": node{"numerator": 100, "denominator": "HUNDRED"}}
	return typed("envoy.filters.http.local_ratelimit", "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", node{
		"stat_prefix":                "native",
		"token_bucket":               node{"max_tokens": 1_000_000_000, "tokens_per_fill": 1_000_000_000, "fill_interval": "1s"},
		"filter_enabled":             always,
		"filter_enforced":            always,
		"enable_x_ratelimit_headers": "DRAFT_VERSION_03",
	})
}

// remoteFilter asks envoyproxy/ratelimit.
func remoteFilter(cluster string) node {
	return typed("envoy.filters.http.ratelimit", "envoy.extensions.filters.http.ratelimit.v3.RateLimit", node{
		"domain": rateLimitDomain, "failure_mode_deny": true, "timeout": "5s",
		"enable_x_ratelimit_headers": "DRAFT_VERSION_03",
		"rate_limit_service": node{
			"transport_api_version": "V3",
			"grpc_service":          node{"envoy_grpc": node{"cluster_name": cluster}},
		},
	})
}

// grpcCluster is a cluster of one host that speaks HTTP/2.
func grpcCluster(name, address string) (node, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	return node{
		"name": name, "type": "STATIC", "connect_timeout": "2s",
		"typed_extension_protocol_options": node{"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": node{
			"@type":                "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
			"explicit_http_config": node{"http2_protocol_options": node{}},
		}},
		"load_assignment": node{"cluster_name": name, "endpoints": list{node{"lb_endpoints": list{node{
			"endpoint": node{"address": node{"socket_address": node{"address": host, "port_value": port}}},
		}}}}},
	}, nil
}

// byKey has Envoy send the API key and the name of each limit to ratelimit.
func byKey(limits ...string) (all list) {
	for _, name := range limits {
		all = append(all, node{"actions": list{
			node{"request_headers": node{"header_name": "x-api-key", "descriptor_key": "key"}},
			node{"generic_key": node{"descriptor_key": "limit", "descriptor_value": name}},
		}})
	}
	return all
}
