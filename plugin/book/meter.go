package book

import (
	"slices"
	"strings"

	"github.com/weirhq/weir/plugin/internal/frame"
)

const meterBytes = 32

// HeaderFault says why a meter can't read a header field of this name; "" when it
// can: 1 to [MaxHeaderBytes] characters of a lower-case token (RFC 9110, 5.6.2),
// and none that Weir or the framing of HTTP itself uses.
func HeaderFault(name string) string {
	if len(name) < 1 || len(name) > MaxHeaderBytes {
		return frame.OutOfRange("header: length in bytes", uint64(len(name)), 1, MaxHeaderBytes)
	}
	if !only(name, isFieldByte) {
		return "header: \"" + name + "\" has something else than a-z, 0-9 and !#$%&'*+-.^_`|~"
	}
	if slices.Contains(framing[:], name) {
		return "header: " + name + " belongs to HTTP itself"
	}
	for _, prefix := range ownHeaders {
		if strings.HasPrefix(name, prefix) {
			return "header: " + name + " is Weir's own"
		}
	}
	return ""
}

var (
	framing = [...]string{"connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "trailer",
		"transfer-encoding", "upgrade"}
	ownHeaders = [...]string{"ratelimit", "x-ratelimit-", "weir-", "x-weir-", "retry-after"}
)

func isFieldByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func (p *Policy) metersFault() string {
	var before uint64
	for i := range p.Meters {
		m := &p.Meters[i]
		if what := idFault("meter", m.ID, before); what != "" {
			return what
		}
		before = m.ID
		if what := HeaderFault(m.Header); what != "" {
			return named("meter", m.ID) + ": " + what
		}
		if m.Endpoint != 0 && !p.hasEndpoint(m.Endpoint) {
			return named("meter", m.ID) + ": there is no " + named("endpoint", m.Endpoint)
		}
	}
	return ""
}

func (c *compiler) meters() {
	for _, m := range c.p.Meters {
		at, length := c.text(m.Header)
		hidden := uint32(0)
		if m.Hidden {
			hidden = 1
		}
		c.sections[meters] = frame.AppendU32(frame.AppendU64(c.sections[meters], m.ID, m.Endpoint), at, length, hidden, 0)
	}
}

// Meters returns how many custom meters there are; they are sorted by ID.
func (c *Core) Meters() int { return c.counts[meters] }

// Meter returns custom meter i.
func (c *Core) Meter(i int) Meter {
	r := c.record(meters, i)
	return Meter{ID: frame.U64(r, 0), Endpoint: frame.U64(r, 8), Header: c.label(r, 16), Hidden: frame.U32(r, 24) != 0}
}

func (c *Core) metersFault() string {
	var before uint64
	for i := range c.counts[meters] {
		r := c.record(meters, i)
		m := c.Meter(i)
		_, known := c.find(endpoints, m.Endpoint)
		if !ascends(m.ID, before) || HeaderFault(m.Header) != "" || !known && m.Endpoint != 0 ||
			frame.U32(r, 24) > 1 || frame.U32(r, 28) != 0 {
			return brokenAt("meter", i)
		}
		before = m.ID
	}
	return ""
}
