package filter

import (
	"bytes"
	"strings"
)

// maxSecretBytes bounds what is hashed for a caller that nobody knows yet.
const maxSecretBytes = 256

// apiKey returns the API key that a request carries, and where it was: in the
// configured header field, else as a bearer token, else in the query. It is nil
// without one.
func (c *config) apiKey(f *fields) (secret []byte, from keyPlace) {
	if len(f.key) > 0 {
		return f.key, inHeader
	}
	if c.keyBearer {
		if token := bearerToken(f.authorization); len(token) > 0 {
			return token, inBearer
		}
	}
	if c.keyQuery != "" {
		_, query := f.target()
		if value := queryValue(query, c.keyQuery); len(value) > 0 {
			return value, inQuery
		}
	}
	return nil, nowhere
}

// keyPlace is where an API key was found.
type keyPlace uint8

const (
	nowhere keyPlace = iota
	inHeader
	inBearer
	inQuery
)

// bearerToken returns the token of an authorization header field with the
// scheme Bearer (RFC 6750; scheme names are case-insensitive), or nil.
func bearerToken(authorization []byte) []byte {
	const scheme = "bearer "
	if len(authorization) <= len(scheme) || !strings.EqualFold(view(authorization[:len(scheme)]), scheme) {
		return nil
	}
	return bytes.Trim(authorization[len(scheme):], " ")
}

// queryValue returns the value of the first parameter of that name. Values are
// taken as they stand: API keys need no escapes.
func queryValue(query []byte, name string) []byte {
	for len(query) > 0 {
		var pair []byte
		pair, query = nextPair(query)
		if len(pair) > len(name) && pair[len(name)] == '=' && string(pair[:len(name)]) == name {
			return pair[len(name)+1:]
		}
	}
	return nil
}

func nextPair(query []byte) (pair, rest []byte) {
	if i := bytes.IndexByte(query, '&'); i >= 0 {
		return query[:i], query[i+1:]
	}
	return query, nil
}

// appendWithout appends a request target without the parameters of that name.
func appendWithout(dst, target []byte, name string) []byte {
	mark := bytes.IndexByte(target, '?')
	if mark < 0 {
		return append(dst, target...)
	}
	dst = append(dst, target[:mark]...)
	separator := byte('?')
	for query := target[mark+1:]; len(query) > 0; {
		var pair []byte
		pair, query = nextPair(query)
		if len(pair) > len(name) && pair[len(name)] == '=' && string(pair[:len(name)]) == name {
			continue
		}
		dst = append(append(dst, separator), pair...)
		separator = '&'
	}
	return dst
}
