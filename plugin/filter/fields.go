package filter

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Header fields that tell the upstream who sent a request, and one by which it
// may declare a request's cost. What a client sends under the first ones never
// arrives, and the last one never leaves.
const (
	headerPrefix      = "x-weir-"
	headerAccount     = "x-weir-account"     // acc_<decimal>
	headerKey         = "x-weir-key"         // key_<decimal>
	headerTier        = "x-weir-tier"        // name of the tier
	headerPriority    = "x-weir-priority"    // low while a soft limit is exceeded, else normal
	headerEnvironment = "x-weir-environment" // sandbox for a key that is for trying things out; a live one has none
	headerCost        = "x-weir-cost"        // of the response: cost units that it took
)

var identityHeaders = [...]string{headerAccount, headerKey, headerTier, headerPriority, headerEnvironment}

// fields are the request header fields that the filter looks at, read in one go.
// They are views, valid until the callback returns; nil is a field that isn't
// there, and of several of a name the first one counts.
type fields struct {
	method, path           []byte
	key, authorization     []byte
	requestID, contentType []byte
	origin, wantsMethod    []byte
	spoofed                uint8    // bit i: the client sent identityHeaders[i]
	aliases                []string // of those, written with underscores
	size                   uint64   // of all names and values, bytes
}

// read reads a serialised header map, see [eachHeader], which this is an
// unrolled form of: it runs for each request.
func (f *fields) read(b []byte, keyHeader string) {
	*f = fields{}
	if len(b) < 4 {
		return
	}
	n := int(binary.LittleEndian.Uint32(b))
	if n > (len(b)-4)/8 {
		return
	}
	at := 4 + 8*n
	for i := range n {
		sizes := b[4+8*i : 12+8*i]
		name, value := int(binary.LittleEndian.Uint32(sizes)), int(binary.LittleEndian.Uint32(sizes[4:]))
		if at > len(b) || name > len(b)-at-1 || value > len(b)-at-name-2 {
			return
		}
		f.take(b[at:at+name], b[at+name+1:at+name+1+value], keyHeader)
		at += name + value + 2
	}
	f.size = uint64(at - 4 - 10*n)
}

func (f *fields) take(name, value []byte, keyHeader string) {
	if string(name) == keyHeader {
		first(&f.key, value)
	}
	switch string(name) {
	case ":method":
		first(&f.method, value)
	case ":path":
		first(&f.path, value)
	case "authorization":
		first(&f.authorization, value)
	case "x-request-id":
		first(&f.requestID, value)
	case "content-type":
		first(&f.contentType, value)
	case "origin":
		first(&f.origin, value)
	case "access-control-request-method":
		first(&f.wantsMethod, value)
	case headerAccount:
		f.spoofed |= 1
	case headerKey:
		f.spoofed |= 2
	case headerTier:
		f.spoofed |= 4
	case headerPriority:
		f.spoofed |= 8
	case headerEnvironment:
		f.spoofed |= 16
	default:
		if isAlias(name) {
			f.aliases = append(f.aliases, string(name))
		}
	}
}

// isAlias reports whether an upstream that takes underscores for hyphens, as CGI
// does, would take a name for one of the identity header fields.
func isAlias(name []byte) bool {
	if len(name) < len(headerPrefix) || name[0] != 'x' || bytes.IndexByte(name, '_') < 0 {
		return false
	}
	plain := string(bytes.ReplaceAll(name, []byte("_"), []byte("-")))
	return slices.Contains(identityHeaders[:], plain)
}

func first(to *[]byte, value []byte) {
	if *to == nil {
		*to = value
	}
}

// isPreflight reports whether a request asks, for a browser, what a page of
// another origin may send (CORS). Browsers send it without credentials.
func (f *fields) isPreflight() bool {
	return string(f.method) == "OPTIONS" && f.origin != nil && f.wantsMethod != nil
}

// rpc is what kind of gRPC a client speaks, and so where it reads statuses.
type rpc uint8

const (
	noRPC       rpc = iota
	grpc            // in trailers
	grpcWeb         // in trailers within the body, or, without one, in header fields
	grpcWebText     // as grpcWeb, with a body in base64
)

// rpc returns what the client speaks. gRPC-Web is a POST; of other methods the
// proxy takes only gRPC by its content type alone.
func (f *fields) rpc() rpc {
	for _, kind := range [...]struct {
		name string
		rpc  rpc
	}{{"application/grpc-web-text", grpcWebText}, {"application/grpc-web", grpcWeb}, {"application/grpc", grpc}} {
		if len(f.contentType) < len(kind.name) || string(f.contentType[:len(kind.name)]) != kind.name {
			continue
		}
		if rest := f.contentType[len(kind.name):]; len(rest) == 0 || rest[0] == '+' || rest[0] == ';' {
			if kind.rpc != grpc && string(f.method) != "POST" {
				return noRPC
			}
			return kind.rpc
		}
	}
	return noRPC
}

// target returns the path and the query of a request.
func (f *fields) target() (path, query []byte) {
	for i, c := range f.path {
		switch c {
		case '?':
			query = f.path[i+1:]
			for k, c := range query {
				if c == '#' {
					query = query[:k]
					break
				}
			}
			return f.path[:i], query
		case '#':
			return f.path[:i], nil
		}
	}
	return f.path, nil
}
