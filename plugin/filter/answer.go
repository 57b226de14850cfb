package filter

import (
	"math"
	"strconv"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/weirhq/weir/plugin/limit"
	"github.com/weirhq/weir/plugin/wire"
)

// observe notes where the account stands for the next batch.
func (r *request) observe(q question, d limit.Decision) {
	at := r.system.WallNS() / millisecond
	for _, l := range d.Levels {
		r.meter.Observe(wire.Level{Account: q.account.ID, Limit: q.rules[l.Rule].ID, Remaining: l.Remaining, AtMS: at})
	}
}

// describe writes the RateLimit-Policy and RateLimit fields, as in
// draft-ietf-httpapi-ratelimit-headers-11: lists of all policies that apply.
func (r *request) describe(q question, d limit.Decision) {
	text := r.scratch.text[:0]
	for i, l := range d.Levels {
		text = appendPolicy(separate(text, i), r.policy.snapshot.Limit(q.tier.FirstLimit+l.Rule))
	}
	split := len(text)
	for i, l := range d.Levels {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = appendLevel(text, r.policy.snapshot.Limit(q.tier.FirstLimit+l.Rule).Name, l)
	}
	r.scratch.text = text
	both := string(text)
	r.policyField, r.levelField = both[:split], both[split:]
}

func separate(text []byte, i int) []byte {
	if i > 0 {
		return append(text, ", "...)
	}
	return text
}

// appendPolicy appends a limit as an item of RateLimit-Policy. Names of limits
// are lower-case letters, digits and hyphens, so quoting them needs no escapes.
func appendPolicy(text []byte, l wire.LimitRef) []byte {
	text = appendName(text, l.Name)
	text = strconv.AppendUint(append(text, ";q="...), l.Amount, 10)
	text = strconv.AppendUint(append(text, ";w="...), uint64(l.PeriodSeconds), 10)
	if l.Burst != l.Amount {
		text = strconv.AppendUint(append(text, ";weir-burst="...), l.Burst, 10)
	}
	return text
}

// appendLevel appends where a limit stands as an item of RateLimit. A full
// bucket has no t: there won't be more.
func appendLevel(text []byte, name string, l limit.Level) []byte {
	text = appendName(text, name)
	text = strconv.AppendInt(append(text, ";r="...), max(l.Remaining, 0), 10)
	if l.NextNS > 0 {
		text = strconv.AppendInt(append(text, ";t="...), wholeSeconds(l.NextNS), 10)
	}
	return text
}

func appendName(text []byte, name string) []byte {
	return append(append(append(text, '"'), name...), '"')
}

// wholeSeconds rounds up.
func wholeSeconds(ns int64) int64 {
	if ns > math.MaxInt64-second {
		return math.MaxInt64 / second
	}
	return (ns + second - 1) / second
}

// Problem types of the draft, registered under RFC 9457.
const (
	typeQuotaExceeded   = "https://iana.org/assignments/http-problem-types#quota-exceeded"
	typeReducedCapacity = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
)

// refuseThrottled answers 429.
func (r *request) refuseThrottled(q question, d limit.Decision, method string) types.Action {
	wait := wholeSeconds(d.RetryAfterNS)
	by := r.policy.snapshot.Limit(q.tier.FirstLimit + d.By)
	b := openProblem(r.scratch.text[:0], typeQuotaExceeded, "Rate limit exceeded", 429)
	b = append(b, `,"detail":`...)
	b = appendString(b, "Limit "+by.Name+" of tier "+q.tier.Name+" allows "+allowance(by)+
		"; retry in "+strconv.FormatInt(wait, 10)+" s.")
	b = append(b, `,"violated-policies":[`...)
	violated := 0
	for _, l := range d.Levels {
		if l.Remaining < 1 {
			b = appendString(separateMember(b, violated), r.policy.snapshot.Limit(q.tier.FirstLimit+l.Rule).Name)
			violated++
		}
	}
	b = append(b, `],"tier":`...)
	b = appendString(b, q.tier.Name)
	r.decision = wire.Throttled
	return r.refuse(429, r.closeProblem(b), method,
		[2]string{"retry-after", strconv.FormatInt(wait, 10)},
		[2]string{"ratelimit-policy", r.policyField},
		[2]string{"ratelimit", r.levelField})
}

func separateMember(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

// allowance says what a limit allows, such as "100 requests a minute".
func allowance(l wire.LimitRef) string {
	text := decimal(l.Amount) + " requests"
	if l.Amount == 1 {
		text = "1 request"
	}
	switch l.PeriodSeconds {
	case 1:
		return text + " a second"
	case 60:
		return text + " a minute"
	case 3600:
		return text + " an hour"
	case 86400:
		return text + " a day"
	}
	return text + " in " + decimal(uint64(l.PeriodSeconds)) + " s"
}

// refuseCaller answers 401 or 403.
func (r *request) refuseCaller(decision wire.Decision, method string) types.Action {
	r.decision = decision
	if decision == wire.Forbidden {
		b := openProblem(r.scratch.text[:0], "about:blank", "Forbidden", 403)
		b = appendString(append(b, `,"detail":`...), "The account is suspended.")
		return r.refuse(403, r.closeProblem(b), method)
	}
	detail, challenge := "Send an API key in the header field "+r.config.keyHeader+", or as a bearer token.", `Bearer realm="weir"`
	if r.caller.sent {
		detail, challenge = "The API key is not known.", `Bearer realm="weir", error="invalid_token"`
	}
	b := openProblem(r.scratch.text[:0], "about:blank", "Unauthorized", 401)
	b = appendString(append(b, `,"detail":`...), detail)
	return r.refuse(401, r.closeProblem(b), method, [2]string{"www-authenticate", challenge})
}

// refuseUnready answers 503.
func (r *request) refuseUnready(detail string) types.Action {
	r.decision = wire.Unready
	b := openProblem(r.scratch.text[:0], typeReducedCapacity, "Not ready", 503)
	b = appendString(append(b, `,"detail":`...), detail)
	return r.refuse(503, r.closeProblem(b), requestHeader(":method"), [2]string{"retry-after", "1"})
}

// refuse sends a problem. A HEAD request gets its header fields only.
func (r *request) refuse(status uint32, problem []byte, method string, headers ...[2]string) types.Action {
	r.answered, r.status = true, uint16(status)
	r.scratch.text = problem
	if method == "HEAD" {
		problem = nil
	}
	return respond(status, append(headers, [2]string{"content-type", "application/problem+json"}), problem)
}

// closeProblem adds what every problem ends with.
func (r *request) closeProblem(b []byte) []byte {
	if id := requestHeader("x-request-id"); id != "" {
		b = appendString(append(b, `,"request-id":`...), id[:min(len(id), maxRequestID)])
	}
	return append(b, '}', '\n')
}

const maxRequestID = 128
