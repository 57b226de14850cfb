package filter

import (
	"strings"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

// Header fields that tell the upstream who sent a request. What a client sends
// under these names never arrives.
const (
	headerAccount = "x-weir-account" // acc_<decimal>
	headerKey     = "x-weir-key"     // key_<decimal>
	headerTier    = "x-weir-tier"    // name of the tier
)

// request is one stream.
type request struct {
	types.DefaultHttpContext
	*plugin

	decision wire.Decision // 0 until the request headers were seen
	caller   caller
	endpoint wire.EndpointRef
	matched  bool
	beganNS  int64  // when the request headers were complete, monotonic clock
	status   uint16 // of the response; 0 until there is one
	counted  bool
	answered bool // by the filter itself

	// Header fields for the response; "" when no limit was looked at.
	policyField string
	levelField  string
}

// OnHttpRequestHeaders implements types.HttpContext.
func (r *request) OnHttpRequestHeaders(int, bool) (action types.Action) {
	defer func() {
		if fault := recover(); fault != nil { // see plugin.guard
			r.fault("request", fault)
			action = r.refuseUnready("The gateway could not decide; retry in 1 s.")
		}
	}()
	if r.decision != 0 {
		return types.ActionContinue
	}
	r.beganNS = r.system.MonotonicNS()
	return r.handle()
}

// handle decides a request and acts on the decision.
func (r *request) handle() types.Action {
	// Without one, look: another worker may have got it since the last tick.
	if r.policy.snapshot == nil && !r.loadSnapshot() {
		if r.config.allowUnready {
			return r.forward()
		}
		return r.refuseUnready("The gateway has no policy yet; retry in 1 s.")
	}
	method, path := requestHeader(":method"), withoutQuery(requestHeader(":path"))
	// A newer snapshot may turn up in between; then everything is asked again.
	for range maxOutdated {
		s := r.policy.snapshot
		r.endpoint, r.matched = s.MatchEndpoint(method, path)
		caller, decision := r.identify(s)
		r.caller = caller
		if decision != wire.Allowed {
			return r.refuseCaller(decision, method)
		}
		q := r.policy.ask(caller.account, r.endpoint.ID)
		d, err := r.decide(q)
		switch {
		case err == errOutdated:
			continue
		case err != nil:
			r.warn("decide for account "+decimal(caller.account.ID), err)
			return r.refuseUnready("The gateway could not decide; retry in 1 s.")
		}
		r.observe(q, d)
		r.describe(q, d)
		if !d.Allowed {
			return r.refuseThrottled(q, d, method)
		}
		return r.forward(
			[2]string{headerAccount, "acc_" + decimal(caller.account.ID)},
			[2]string{headerKey, "key_" + decimal(caller.key.ID)},
			[2]string{headerTier, q.tier.Name},
		)
	}
	return r.refuseUnready("The gateway's policy is changing; retry in 1 s.")
}

// maxOutdated bounds how many newer snapshots may turn up during one decision.
const maxOutdated = 4

// forward lets the request pass with these identity header fields, and none of
// the client's. Without any, the client's are removed. A proxy that doesn't do
// that gets no request passed, as the upstream would believe the client.
func (r *request) forward(identity ...[2]string) types.Action {
	r.decision = wire.Allowed
	if err := setIdentity(identity); err != nil {
		r.warn("set the identity", err)
		return r.refuseUnready("The gateway could not pass the request on; retry in 1 s.")
	}
	return types.ActionContinue
}

func setIdentity(identity [][2]string) error {
	for _, h := range identity {
		if err := proxywasm.ReplaceHttpRequestHeader(h[0], h[1]); err != nil {
			return err
		}
	}
	if len(identity) > 0 {
		return nil
	}
	for _, name := range [...]string{headerAccount, headerKey, headerTier} {
		if err := proxywasm.RemoveHttpRequestHeader(name); err != nil {
			return err
		}
	}
	return nil
}

// OnHttpResponseHeaders implements types.HttpContext. It sees the upstream's
// responses and the proxy's own, but what the filter answered has its fields.
func (r *request) OnHttpResponseHeaders(int, bool) types.Action {
	defer r.guard("response")
	if r.answered {
		return types.ActionContinue
	}
	r.status = responseStatus()
	if r.policyField == "" {
		return types.ActionContinue
	}
	if err := proxywasm.ReplaceHttpResponseHeader("ratelimit-policy", r.policyField); err != nil {
		r.warn("set ratelimit-policy", err)
	}
	if err := proxywasm.ReplaceHttpResponseHeader("ratelimit", r.levelField); err != nil {
		r.warn("set ratelimit", err)
	}
	return types.ActionContinue
}

// Reading a property is the dearest call there is, so the status and the
// duration, which the proxy knows too, are found out without.
var (
	propertyBytesIn  = []string{"request", "total_size"}
	propertyBytesOut = []string{"response", "total_size"}
)

// OnHttpStreamDone implements types.HttpContext. It counts the request: here and
// nowhere else, so once, however it ended. A stream whose request headers never
// reached the filter was refused by the proxy and isn't counted.
func (r *request) OnHttpStreamDone() {
	defer r.guard("count")
	if r.decision == 0 || r.counted {
		return
	}
	r.counted = true
	sample := meter.Sample{
		EntryKey: wire.EntryKey{
			Minute:   r.system.WallNS() / (60 * second),
			Account:  r.caller.account.ID,
			Key:      r.caller.key.ID,
			Endpoint: r.endpoint.ID,
			Status:   r.status,
			Decision: r.decision,
		},
		BytesIn:    property(propertyBytesIn),
		BytesOut:   property(propertyBytesOut),
		DurationUS: uint64(max(r.system.MonotonicNS()-r.beganNS, 0)) / 1000,
	}
	if r.decision == wire.Allowed {
		sample.Cost = 1
		if r.matched {
			sample.Cost = uint64(r.endpoint.Cost)
		}
	}
	r.meter.Count(sample)
	r.stats.count(r.decision)
}

// withoutQuery returns the path of a request target.
func withoutQuery(target string) string {
	if i := strings.IndexAny(target, "?#"); i >= 0 {
		return target[:i]
	}
	return target
}
