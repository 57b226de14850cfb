package filter

import (
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/limit"
	"github.com/weirhq/weir/plugin/wire"
)

// request is one stream.
type request struct {
	types.DefaultHttpContext
	*plugin
	id uint32 // of its context

	decision wire.Decision // 0 until the request headers were seen
	caller   caller
	plan     *plan // nil when no limit was looked at
	endpoint book.EndpointRef
	matched  bool
	beganNS  int64  // when the request headers were complete, monotonic clock
	nowNS    int64  // when it is decided; later where it was held
	wait     *wait  // while it is held
	bytesIn  uint64 // size of the fields that the client sent
	hasBody  bool   // the request
	status   uint16 // of the response; 0 until there is one
	counted  bool
	answered bool // by the filter itself
	rpc      rpc
	stray    uint32 // place of its path, which no endpoint's template matched; 0: it has none

	cost         uint64 // that the upstream declared
	costDeclared bool
	declared     []declaration // for custom meters
	settling     settling
	adaptive     uint64 // limits of the plan that follow the upstream's health
	verdicts     verdicts

	// What is said in the response.
	policyField string
	levelField  []byte
	levelBuffer [160]byte
	tightest    tightest
	overField   string
}

// OnHttpRequestHeaders implements types.HttpContext.
func (r *request) OnHttpRequestHeaders(_ int, end bool) (action types.Action) {
	defer func() {
		if fault := recover(); fault != nil { // see plugin.guard
			r.fault("request", fault)
			action = r.refuseUnready(&fields{}, "The gateway could not decide; retry in 1 s.")
		}
	}()
	if r.decision != 0 {
		return types.ActionContinue
	}
	r.beganNS = r.system.MonotonicNS()
	r.nowNS = r.beganNS
	f := &r.scratch.fields
	f.read(r.host.requestHeaders(), r.config.keyHeader)
	r.rpc = f.rpc()
	r.bytesIn, r.hasBody = f.size, !end
	return r.handle(f)
}

// handle decides a request and acts on the decision.
func (r *request) handle(f *fields) types.Action {
	// Without one, look: another worker may have got it since the last tick.
	if r.policy.core == nil && !r.loadPolicy() {
		if r.config.allowUnready {
			return r.forward(f)
		}
		return r.refuseUnready(f, "The gateway has no policy yet; retry in 1 s.")
	}
	preflight := f.isPreflight()
	// A newer policy may turn up in between; then everything is asked again. So it
	// is where there turns out to be nothing to wait for.
	for range maxOutdated {
		if preflight {
			r.caller = caller{shard: -1}
			if !r.identifyAddress() {
				return r.forward(f)
			}
		} else if why := r.identify(f); why == unsettled {
			r.loadPolicy()
			continue
		} else if why != welcome {
			return r.refuseCaller(f, why)
		}
		q := r.question(f)
		if q == nil { // a key of a policy that isn't wholly here yet
			if r.reload(r.caller.shard) {
				continue
			}
			break
		}
		if r.caller.scope != 0 && !r.policy.core.InScope(r.caller.scope, view(f.method), r.endpoint) {
			if r.loadPolicy() { // its scope may be newer than the endpoints that are at hand
				continue
			}
			return r.refuseCaller(f, outOfScope)
		}
		err := r.decide(q)
		switch {
		case err == errOutdated:
			continue
		case err == errUndecided:
			if r.hold(q) {
				return types.ActionPause
			}
			continue
		case err != nil:
			return r.failed(f, q, err)
		}
		return r.conclude(f, q)
	}
	return r.refuseUnready(f, "The gateway's policy is changing; retry in 1 s.")
}

// maxOutdated bounds how many newer policies may turn up during one decision.
const maxOutdated = 4

// question puts together what is to be decided, nil for a caller whose plan the
// policy doesn't have.
func (r *request) question(f *fields) *question {
	path, _ := f.target()
	r.endpoint, r.matched = r.policy.core.MatchEndpoint(view(f.method), view(path))
	r.plan = r.policy.readyPlan(r.caller.plan, &r.health)
	if r.plan == nil {
		return nil
	}
	q := &r.scratch.question
	q.plan, q.epoch, q.version, q.n = r.plan, r.caller.epoch, r.policy.versionFor(r.caller.shard), 0
	q.shard, q.nowNS = r.caller.shard, r.nowNS
	q.untilNS, q.held = r.beganNS+r.config.holdMS*millisecond, r.wait != nil
	q.take = [limit.Measures]uint64{limit.Requests: 1, limit.Cost: r.endpointCost()}
	applies := r.policy.core.Applies(r.plan.ref, r.endpoint, view(f.method))
	order := [...]subject{ofKey, ofAccount}
	if r.caller.account == 0 {
		order = [...]subject{ofAddress, ofAddress}
	}
	for i, s := range order {
		part := &r.plan.parts[s]
		if rules := part.applying(applies); rules != 0 && (i == 0 || s != order[0]) {
			q.ask(part, rules, &r.caller)
		}
	}
	q.applies = applies
	return q
}

func (r *request) endpointCost() uint64 {
	if r.matched {
		return uint64(r.endpoint.Cost)
	}
	return 1
}

// conclude acts on a decision.
func (r *request) conclude(f *fields, q *question) types.Action {
	r.adaptive = q.applies & q.plan.adaptive
	if r.wait != nil && q.lacksLease() {
		r.waitedInVain(q)
	}
	r.observe(q)
	r.judgeLimits(q)
	r.leaseAsked(q)
	r.describe(q)
	if !q.allowed() {
		return r.refuseThrottled(f, q)
	}
	r.remember(q)
	return r.forward(f)
}

// failed lets a request pass whose state can't be known, if all limits that
// apply say so, and refuses it otherwise.
func (r *request) failed(f *fields, q *question, err error) types.Action {
	r.warn("decide for account "+decimal(r.caller.account), err)
	for i := range q.parts() {
		a := &q.asked[i]
		if a.applies&a.part.closed != 0 {
			return r.refuseUnready(f, "The gateway could not decide; retry in 1 s.")
		}
		a.d = limit.Decision{Allowed: true, FailedOpen: a.applies &^ a.part.shadow}
	}
	r.judgeLimits(q)
	return r.forward(f)
}

// forward lets the request pass with the caller's identity, and none of the
// client's making. A proxy that doesn't do that gets no request passed, as the
// upstream would believe the client.
func (r *request) forward(f *fields) types.Action {
	r.decision = wire.Allowed
	if !r.setIdentity(f) || !r.stripKey(f) {
		r.warn("set the identity", errHost)
		return r.refuseUnready(f, "The gateway could not pass the request on; retry in 1 s.")
	}
	if !r.matched && r.caller.account != 0 {
		r.stray = r.strays.keep(f, r.beganNS)
	}
	return types.ActionContinue
}

// setIdentity sets the header fields that name the caller, and removes those
// that the client sent and that don't apply.
func (r *request) setIdentity(f *fields) bool {
	for _, name := range f.aliases {
		if !r.host.removeRequestHeader(name) {
			return false
		}
	}
	var values [len(identityHeaders)]string
	if r.caller.sandbox {
		values[4] = "sandbox"
	}
	s := &r.scratch
	if r.plan != nil {
		values[2] = r.plan.name
		values[3] = r.verdicts.priority()
	}
	if r.caller.account != 0 && r.plan != nil {
		s.account = appendDecimal(append(s.account[:0], "acc_"...), r.caller.account)
		s.keyID = appendDecimal(append(s.keyID[:0], "key_"...), r.caller.key)
		values[0], values[1] = view(s.account), view(s.keyID)
	}
	for i, name := range identityHeaders {
		ok, spoofed := true, f.spoofed&(1<<i) != 0
		switch {
		case values[i] == "" && spoofed:
			ok = r.host.removeRequestHeader(name)
		case values[i] != "" && spoofed: // setting one of several may leave the others
			ok = r.host.removeRequestHeader(name) && r.host.addRequestHeader(name, values[i])
		case values[i] != "":
			ok = r.host.addRequestHeader(name, values[i])
		}
		if !ok {
			return false
		}
	}
	return true
}

// stripKey takes the API key out of the request, if that is configured.
func (r *request) stripKey(f *fields) bool {
	if !r.config.stripKey {
		return true
	}
	switch r.caller.from {
	case inHeader:
		return r.host.removeRequestHeader(r.config.keyHeader)
	case inBearer:
		return r.host.removeRequestHeader("authorization")
	case inQuery:
		r.scratch.text = appendWithout(r.scratch.text[:0], f.path, r.config.keyQuery)
		return r.host.setRequestHeader(":path", view(r.scratch.text))
	}
	return true
}
