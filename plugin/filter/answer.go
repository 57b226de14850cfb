package filter

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

// Problem types of the RateLimit draft, registered under RFC 9457.
const (
	typeQuotaExceeded   = "https://iana.org/assignments/http-problem-types#quota-exceeded"
	typeReducedCapacity = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
)

// Statuses of gRPC.
const (
	grpcPermissionDenied  = 7
	grpcResourceExhausted = 8
	grpcUnavailable       = 14
	grpcUnauthenticated   = 16
)

// answer is a refusal on its way to the client.
type answer struct {
	status      uint32
	grpc        int32
	kind, title string
	detail      string
	violated    []string // names of limits
	tier        string
	retry       int64 // seconds; 0 says nothing
	headers     [][2]string
}

// refuseThrottled answers 429, or 503 when the request was denied only because
// nobody knows how much is left.
func (r *request) refuseThrottled(f *fields, q *question) types.Action {
	by := &q.asked[q.decidedBy()]
	of := q.plan.limit(by.part, max(by.d.By, 0))
	if q.unknown() {
		r.decision = wire.Unready
		r.sampleDenial(f, q, second)
		return r.refuse(f, answer{
			status: 503, grpc: grpcUnavailable, kind: typeReducedCapacity, title: "Not ready",
			detail:   "How much of limit " + of.Name + " is left isn't known; retry in 1 s.",
			violated: []string{of.Name}, tier: q.plan.name, retry: 1,
		})
	}
	r.decision = wire.Throttled
	a := answer{
		status: 429, grpc: grpcResourceExhausted, kind: typeQuotaExceeded, title: "Rate limit exceeded",
		detail: "Limit " + of.Name + " of tier " + q.plan.name + " allows " + allowance(of),
		tier:   q.plan.name, violated: q.violated(),
	}
	wait, never := r.waitBeyondEnds(q, by.d.RetryAfterNS)
	if by.d.Never || never {
		a.detail += "; this request takes more than it ever allows."
		r.sampleDenial(f, q, 0)
	} else {
		a.retry = wholeSeconds(wait)
		a.detail += "; retry in " + strconv.FormatInt(a.retry, 10) + " s."
		r.sampleDenial(f, q, wait)
	}
	a.headers = r.limitHeaders(nil)
	return r.refuse(f, a)
}

// unknown reports whether every part that denies does so only because its state
// isn't known.
func (q *question) unknown() bool {
	for i := range q.parts() {
		if d := &q.asked[i].d; !d.Allowed && !d.Unknown {
			return false
		}
	}
	return true
}

// violated names the limits that deny.
func (q *question) violated() (names []string) {
	for i := q.n - 1; i >= 0; i-- {
		a := &q.asked[i]
		for rule := range a.part.rules {
			if a.d.Denied&(1<<rule) != 0 {
				names = append(names, q.plan.limit(a.part, rule).Name)
			}
		}
	}
	return names
}

// allowance says what a limit allows, such as "100 requests a minute".
func allowance(l *book.Limit) string {
	units := [...]string{book.Requests: " requests", book.Bytes: " bytes", book.Cost: " cost units"}
	text := decimal(l.Amount) + " units"
	if int(l.Measure) < len(units) {
		text = decimal(l.Amount) + units[l.Measure]
	}
	if l.Amount == 1 {
		text = text[:len(text)-1]
	}
	if l.Kind == book.Quota {
		switch l.QuotaPeriod {
		case book.Hour:
			return text + " an hour"
		case book.Day:
			return text + " a day"
		case book.Month:
			return text + " a month"
		}
		return text + " a billing period"
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
func (r *request) refuseCaller(f *fields, why refusal) types.Action {
	r.decision = why.decision()
	a := answer{status: 401, grpc: grpcUnauthenticated, kind: "about:blank", title: "Unauthorized"}
	challenge := `Bearer realm="weir", error="invalid_token"`
	switch why {
	case noCredential:
		a.detail, challenge = r.config.wanted(), `Bearer realm="weir"`
	case mistypedKey:
		a.detail = "The API key is mistyped: its last characters don't match the rest. Copy it anew."
	case keyExpired:
		a.detail = "The key has expired."
	case keySuspended:
		a.detail = "The key is suspended."
	case accountSuspended:
		a.detail = "The account is suspended."
	case outOfScope:
		a.title, a.detail = "Out of the key's scope", "The key may not be used for this request."
	default:
		a.detail = r.config.unknown()
	}
	if r.decision == wire.Forbidden {
		a.status, a.grpc = 403, grpcPermissionDenied
		if why != outOfScope {
			a.title = "Forbidden"
		}
	} else {
		a.headers = [][2]string{{"www-authenticate", challenge}}
	}
	r.sampleDenial(f, nil, 0)
	return r.refuse(f, a)
}

// wanted tells a caller without a credential what to send.
func (c *config) wanted() string {
	if !c.looksAt(byKey) {
		if c.looksAt(byJWT) {
			return "Send a token that this gateway accepts."
		}
		return "Show a client certificate that this gateway accepts."
	}
	var places []string
	if c.keyHeader != "" {
		places = append(places, "in the header field "+c.keyHeader)
	}
	if c.keyBearer {
		places = append(places, "as a bearer token")
	}
	if c.keyQuery != "" {
		places = append(places, "in the query parameter "+c.keyQuery)
	}
	text := "Send an API key "
	for i, place := range places {
		if i > 0 {
			text += ", or "
		}
		text += place
	}
	return text + "."
}

func (c *config) unknown() string {
	if c.looksAt(byJWT) || c.looksAt(byCertificate) {
		return "The credential is not known."
	}
	return "The API key is not known."
}

// refuseUnready answers 503.
func (r *request) refuseUnready(f *fields, detail string) types.Action {
	r.decision = wire.Unready
	return r.refuse(f, answer{
		status: 503, grpc: grpcUnavailable, kind: typeReducedCapacity, title: "Not ready", detail: detail, retry: 1,
	})
}

// refuse sends an answer: a problem document (RFC 9457), to a gRPC client the
// status with the detail as its message. The proxy knows nothing of gRPC-Web: its
// clients get both as header fields, and as the trailers in the body, without which
// the proxy would leave out the content type. To a HEAD request the proxy sends the
// header fields only, and for that it has to know the document.
func (r *request) refuse(f *fields, a answer) types.Action {
	r.answered, r.status = true, uint16(a.status)
	if a.retry > 0 {
		a.headers = append(a.headers, [2]string{"retry-after", strconv.FormatInt(a.retry, 10)})
	}
	id := f.shownRequestID()
	if id != "" { // where there is no document, too
		a.headers = append(a.headers, [2]string{"x-request-id", id})
	}
	var body []byte
	status, grpcStatus := a.status, int32(-1)
	switch r.rpc {
	case grpc:
		grpcStatus, body = a.grpc, append(r.scratch.text[:0], a.detail...)
		r.scratch.text = body
	case grpcWeb, grpcWebText:
		code, message, kind := strconv.Itoa(int(a.grpc)), grpcMessage(a.detail), "application/grpc-web+proto"
		status, body = 200, grpcWebTrailers(code, message)
		if r.rpc == grpcWebText {
			kind, body = "application/grpc-web-text+proto", base64.StdEncoding.AppendEncode(nil, body)
		}
		a.headers = append(a.headers, [2]string{"content-type", kind}, [2]string{"grpc-status", code}, [2]string{"grpc-message", message})
	default:
		a.headers = append(a.headers, [2]string{"content-type", "application/problem+json"})
		body = a.document(r.scratch.text[:0], id, r.config.link)
		r.scratch.text = body
	}
	if err := r.host.respond(status, a.headers, body, grpcStatus); err != nil {
		r.warn("send response "+strconv.Itoa(int(status)), err)
	}
	return types.ActionPause
}

// grpcWebTrailers returns the body of a gRPC-Web response that has trailers only:
// one frame, which begins with the flag for trailers and its length.
func grpcWebTrailers(code, message string) []byte {
	const trailers = 1 << 7
	text := "grpc-status:" + code + "\r\ngrpc-message:" + message + "\r\n"
	return append(binary.BigEndian.AppendUint32([]byte{trailers}, uint32(len(text))), text...)
}

// grpcMessage returns a text as the field grpc-message has it: percent-encoded but
// for printable ASCII.
func grpcMessage(text string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(text))
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '%' {
			b = append(b, '%', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// shownRequestID returns the request id as clients are told it, and as the sample
// of denials has it.
func (f *fields) shownRequestID() string {
	return wire.Printable(string(f.requestID), wire.MaxRequestIDBytes)
}

// document writes the problem document.
func (a *answer) document(b []byte, requestID, link string) []byte {
	b = openProblem(b, a.kind, a.title, int64(a.status))
	b = appendString(append(b, `,"detail":`...), a.detail)
	for i, name := range a.violated {
		if i == 0 {
			b = append(b, `,"violated-policies":[`...)
		} else {
			b = append(b, ',')
		}
		b = appendString(b, name)
	}
	if len(a.violated) > 0 {
		b = append(b, ']')
	}
	if a.tier != "" {
		b = appendString(append(b, `,"tier":`...), a.tier)
	}
	if requestID != "" {
		b = appendString(append(b, `,"request-id":`...), requestID)
	}
	if link != "" {
		b = appendString(append(b, `,"link":`...), link)
	}
	return append(b, '}', '\n')
}
