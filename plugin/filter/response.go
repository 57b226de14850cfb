package filter

import (
	"strconv"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

// OnHttpResponseHeaders implements types.HttpContext. It sees the upstream's
// responses and the proxy's own, but what the filter answered has its fields.
func (r *request) OnHttpResponseHeaders(int, bool) types.Action {
	defer r.guard("response")
	if r.answered {
		return types.ActionContinue
	}
	set := r.host.addResponseHeader
	if r.readResponse(r.host.responseHeaders()) {
		set = r.host.setResponseHeader
	}
	if r.policyField != "" {
		r.said("ratelimit-policy", set("ratelimit-policy", r.policyField))
		r.said("ratelimit", set("ratelimit", view(r.levelField)))
	}
	if r.overField != "" {
		r.said("weir-limited", set("weir-limited", r.overField))
	}
	if r.tightest.known {
		for _, h := range r.tightest.headers(nil) {
			r.said(h[0], set(h[0], h[1]))
		}
	}
	return types.ActionContinue
}

func (r *request) said(name string, ok bool) {
	if !ok {
		r.warn("set "+name, errHost)
	}
}

// readResponse reads the status, what the upstream declares for custom meters and
// what it says that the request cost, which is nobody else's business. It reports
// whether the upstream sent fields that the filter may have to replace; to add one
// costs less.
func (r *request) readResponse(b []byte) (replaces bool) {
	var cost []byte
	var hidden uint32
	metered := &r.policy.meters
	eachHeader(b, func(name, value []byte) {
		if metered.mayRead(name) {
			hidden |= r.readMeters(name, value)
		}
		switch {
		case len(name) < 7:
		case string(name) == ":status":
			r.status = parseStatus(value)
		case string(name) == headerCost:
			cost = value
		case limitField(name):
			replaces = true
		}
	})
	r.hide(hidden)
	if cost == nil {
		return replaces
	}
	r.cost, r.costDeclared = declaredCost(cost)
	if !r.costDeclared {
		r.stats.costsRefused++
	}
	if !r.host.removeResponseHeader(headerCost) {
		r.warn("remove "+headerCost, errHost)
	}
	return replaces
}

// limitField reports whether a field may be one of those that say something of
// limits.
func limitField(name []byte) bool {
	const a, b, c = "ratelimit", "x-ratelimit-", "weir-limited"
	return len(name) >= len(a) && string(name[:len(a)]) == a ||
		len(name) >= len(b) && string(name[:len(b)]) == b || string(name) == c
}

// limitHeaders appends what a denial says of the limits.
func (r *request) limitHeaders(headers [][2]string) [][2]string {
	if r.policyField != "" {
		headers = append(headers, [2]string{"ratelimit-policy", r.policyField}, [2]string{"ratelimit", string(r.levelField)})
	}
	if r.tightest.known {
		headers = r.tightest.headers(headers)
	}
	return headers
}

// headers appends the fields that older clients know. Reset is in seconds from
// now until there is more.
func (t *tightest) headers(headers [][2]string) [][2]string {
	return append(headers,
		[2]string{"x-ratelimit-limit", strconv.FormatUint(t.limit, 10)},
		[2]string{"x-ratelimit-remaining", strconv.FormatUint(t.remaining, 10)},
		[2]string{"x-ratelimit-reset", strconv.FormatInt(wholeSeconds(t.resetNS), 10)})
}

// parseStatus reads three digits; 0 for anything else.
func parseStatus(v []byte) (status uint16) {
	if len(v) != 3 {
		return 0
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0
		}
		status = 10*status + uint16(c-'0')
	}
	return status
}

// Reading a property is the dearest call there is, so the status, the duration
// and the size of a request without a body, that of the fields which the client
// sent, are found out without.
var (
	propertyBodyIn   = newProperty("request", "size") // as the client declared it, else as it came
	propertyBytesIn  = newProperty("request", "total_size")
	propertyBytesOut = newProperty("response", "total_size")
)

// sizeIn is what the client sent: its fields and its body. The proxy's figure for
// both has fields in it that were added on the way, so it is only a bound, for a
// body that was cut short of what was declared.
func (r *request) sizeIn() uint64 {
	if !r.hasBody {
		return r.bytesIn
	}
	return min(addBytes(r.bytesIn, number(r.host.property(propertyBodyIn))), number(r.host.property(propertyBytesIn)))
}

// addBytes adds two sizes, of which the client may have made up one.
func addBytes(a, b uint64) uint64 { return min(a, maxMoved) + min(b, maxMoved) }

// OnHttpStreamDone implements types.HttpContext. It counts the request: here and
// nowhere else, so once, however it ended. A stream whose request headers never
// reached the filter was refused by the proxy and isn't counted.
func (r *request) OnHttpStreamDone() {
	defer r.guard("count")
	if r.decision == 0 || r.counted {
		return
	}
	r.counted = true
	now := r.system.MonotonicNS()
	sample := meter.Sample{
		EntryKey: wire.EntryKey{
			Minute:   r.wallNS(now) / (60 * second),
			Account:  r.caller.account,
			Key:      r.caller.key,
			Endpoint: r.endpoint.ID,
			Tier:     r.tier(),
			Status:   r.status,
			Decision: r.decision,
		},
		Shadowed:   r.verdicts.shadowed(),
		BytesIn:    r.sizeIn(),
		BytesOut:   number(r.host.property(propertyBytesOut)),
		DurationUS: uint64(max(now-r.beganNS, 0)) / 1000,
	}
	if r.decision == wire.Allowed {
		sample.Cost = r.endpointCost()
		if r.costDeclared {
			sample.Cost = r.cost
		}
	}
	r.meter.Count(sample)
	if r.stray != 0 {
		r.strays.end(r.stray, r.status, r.meter)
	}
	r.declare(&sample.EntryKey)
	r.stats.count(r.decision)
	moved := addBytes(sample.BytesIn, sample.BytesOut)
	r.countVerdicts(sample.Minute, moved)
	if r.settling.n > 0 {
		r.settle(now, moved)
	}
	if r.adaptive != 0 && r.decision == wire.Allowed {
		r.health.note(r, sample.DurationUS)
	}
}

// maxMoved bounds what one stream is charged for each direction, bytes.
const maxMoved = 1 << 50
