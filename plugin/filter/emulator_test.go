package filter_test

import (
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/filter"
	"github.com/weirhq/weir/plugin/limit"
	"github.com/weirhq/weir/plugin/wire"
)

const nodeToken = "node-token-of-the-tests-0123456789"

// testSystem is a system whose time stands still until it is moved.
type testSystem struct {
	monotonic, wall int64
	random          *rand.ChaCha8
	env             map[string]string
}

func newTestSystem() *testSystem {
	return &testSystem{
		monotonic: int64(time.Hour),
		wall:      time.Date(2026, 11, 21, 12, 0, 30, 0, time.UTC).UnixNano(),
		random:    rand.NewChaCha8([32]byte{1}),
		env:       map[string]string{"WEIR_NODE_TOKEN": nodeToken},
	}
}

func (s *testSystem) MonotonicNS() int64                { return s.monotonic }
func (s *testSystem) WallNS() int64                     { return s.wall }
func (s *testSystem) Random(p []byte)                   { s.random.Read(p) }
func (s *testSystem) Getenv(name string) (string, bool) { v, ok := s.env[name]; return v, ok }

// emulator is a filter on the SDK's emulator, with a test in the places of the
// clients, the upstream and the edge.
type emulator struct {
	*testing.T
	proxytest.HostEmulator
	system *testSystem
	taken  int // calls to the edge that the test has looked at
	poll   proxytest.HttpCalloutAttribute

	upstreamTakes time.Duration // to answer
	declaresBody  uint64        // bytes that the next requests say their bodies have; 0: 20, and 1000 at most come
}

// onEmulator runs a test twice: on the filter as plain Go, and on the compiled
// module.
func onEmulator(t *testing.T, configuration string, test func(*emulator)) {
	t.Helper()
	onEmulatorWith(t, configuration, func(*testSystem) {}, test)
}

// onEmulatorWith prepares the system first.
func onEmulatorWith(t *testing.T, configuration string, prepare func(*testSystem), test func(*emulator)) {
	t.Helper()
	start := func(t *testing.T, s *testSystem, vm types.VMContext) {
		host, reset := proxytest.NewHostEmulator(proxytest.NewEmulatorOption().
			WithVMContext(vm).WithPluginConfiguration([]byte(configuration)))
		defer reset()
		host.StartVM()
		test(&emulator{T: t, HostEmulator: host, system: s})
	}
	t.Run("go", func(t *testing.T) {
		s := newTestSystem()
		prepare(s)
		start(t, s, filter.NewVM(s))
	})
	t.Run("wasm", func(t *testing.T) {
		s := newTestSystem()
		prepare(s)
		start(t, s, newGuest(t, s))
	})
}

const plainConfiguration = `{"node":"gateway-1"}`

// started starts the plugin and gives it a policy.
func (e *emulator) started(p book.Policy) {
	e.Helper()
	if e.StartPlugin() != types.OnPluginStartStatusOK {
		e.Fatalf("the plugin didn't start: %v", e.GetCriticalLogs())
	}
	e.pass(100 * time.Millisecond)
	e.answer(e.call("GET"), 200, compile(e.T, p))
}

// pass moves both clocks and ticks once.
func (e *emulator) pass(d time.Duration) {
	e.system.monotonic += int64(d)
	e.system.wall += int64(d)
	e.Tick()
}

// calls returns the calls to the edge since it was last asked, by method.
func (e *emulator) calls() (calls []proxytest.HttpCalloutAttribute) {
	all := e.GetCalloutAttributesFromContext(proxytest.PluginContextID)
	calls = all[e.taken:]
	e.taken = len(all)
	return calls
}

// call returns the only new call with this method.
func (e *emulator) call(method string) proxytest.HttpCalloutAttribute {
	e.Helper()
	var found []proxytest.HttpCalloutAttribute
	for _, c := range e.calls() {
		if header(c.Headers, ":method") == method {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		e.Fatalf("%d calls with %s to the edge, want 1", len(found), method)
	}
	return found[0]
}

func (e *emulator) answer(c proxytest.HttpCalloutAttribute, status int, body []byte) {
	var headers [][2]string
	if status != 0 {
		headers = [][2]string{{":status", strconv.Itoa(status)}}
	}
	e.CallOnHttpCallResponse(c.CalloutID, headers, nil, body)
}

// commit answers a batch with a receipt that covers it, and returns the batch.
func (e *emulator) commit(c proxytest.HttpCalloutAttribute) *wire.Batch {
	e.Helper()
	b, err := wire.DecodeBatch(c.Body)
	if err != nil {
		e.Fatal(err)
	}
	e.answer(c, 200, wire.EncodeReceipt(wire.Receipt{Accepted: b.Sequence, Committed: b.Sequence}))
	return b
}

// exchange is a request and what became of it.
type exchange struct {
	id       uint32
	passed   bool
	status   int         // of the response
	headers  [][2]string // of the response
	body     []byte      // when the filter answered
	upstream [][2]string // request headers as the upstream gets them
	size     uint64      // of the header fields that were sent
}

// send sends a request through the filter, and the upstream's 200 back.
func (e *emulator) send(method, path string, headers ...[2]string) exchange {
	e.Helper()
	x := e.open(method, path, headers...)
	e.finish(&x, 200)
	return x
}

// open sends a request's headers. A POST has a body.
func (e *emulator) open(method, path string, headers ...[2]string) exchange {
	e.Helper()
	x := exchange{id: e.InitializeHttpContext()}
	all := append([][2]string{{":method", method}, {":path", path}, {":authority", "api.test"}, {"x-request-id", "req-1"}}, headers...)
	for _, h := range all {
		x.size += uint64(len(h[0]) + len(h[1]))
	}
	action := e.CallOnRequestHeaders(x.id, all, method != "POST")
	x.passed = action == types.ActionContinue
	if local := e.GetSentLocalResponse(x.id); local != nil {
		x.status, x.headers, x.body = int(local.StatusCode), local.Headers, local.Data
	}
	x.upstream = e.GetCurrentRequestHeaders(x.id)
	return x
}

// finish ends an exchange with the response of the upstream, or the filter's.
func (e *emulator) finish(x *exchange, upstream int, headers ...[2]string) {
	if x.passed {
		x.status = upstream
		x.headers = append([][2]string{{":status", strconv.Itoa(upstream)}}, headers...)
		e.system.monotonic += int64(e.upstreamTakes)
		e.system.wall += int64(e.upstreamTakes)
	}
	e.CallOnResponseHeaders(x.id, x.headers, true)
	x.headers = e.GetCurrentResponseHeaders(x.id)
	e.properties(map[string]uint64{"request size": cmp.Or(e.declaresBody, 20), "request total_size": 1000, "response total_size": 340})
	e.CompleteHttpContext(x.id)
}

func (e *emulator) properties(values map[string]uint64) {
	for path, v := range values {
		parts := [2]string{}
		for i := range path {
			if path[i] == ' ' {
				parts = [2]string{path[:i], path[i+1:]}
			}
		}
		if err := e.SetProperty(parts[:], binary.LittleEndian.AppendUint64(nil, v)); err != nil {
			e.Fatal(err)
		}
	}
}

// write puts a value into shared data as another VM would.
func (e *emulator) write(key string, value []byte) {
	e.Helper()
	_, cas, err := proxywasm.GetSharedData(key)
	if err != nil {
		cas = 1
	}
	if err := proxywasm.SetSharedData(key, value, cas); err != nil {
		e.Fatal(err)
	}
}

func header(headers [][2]string, name string) string {
	i := slices.IndexFunc(headers, func(h [2]string) bool { return h[0] == name })
	if i < 0 {
		return ""
	}
	return headers[i][1]
}

// The policy of the tests.
const (
	accountActive, accountSuspended = 7, 8
	keyActive, keySuspended         = 70, 80
	endpointOrders                  = 3
	limitMinute, limitOrders        = 21, 22
)

func testPolicy() book.Policy {
	return book.Policy{
		Version:   1,
		Endpoints: []book.Endpoint{{ID: endpointOrders, Method: "POST", Template: "/v1/orders/{id}", Cost: 5}},
		Plans: []book.Plan{{ID: 2, Tier: 2, Name: "Basic", Limits: []book.Limit{
			perMinute(100),
			{ID: limitOrders, Name: "orders", Subject: book.PerAccount, Selector: book.OneEndpoint, Target: endpointOrders,
				Kind: book.Rate, Measure: book.Requests, Mode: book.Enforce, Amount: 10, PeriodSeconds: 60, Burst: 2},
		}}},
		Keys: []book.Key{
			{ID: keyActive, Account: accountActive, Plan: 2, Kind: book.APIKey, Digest: book.SecretDigest("active")},
			{ID: keySuspended, Account: accountSuspended, Plan: 2, Kind: book.APIKey, Digest: book.SecretDigest("suspended"), AccountSuspended: true},
		},
	}
}

// perMinute is a limit for all requests of an account.
func perMinute(amount uint64) book.Limit {
	return book.Limit{ID: limitMinute, Name: "per-minute", Subject: book.PerAccount, Selector: book.All,
		Kind: book.Rate, Measure: book.Requests, Mode: book.Enforce, Amount: amount, PeriodSeconds: 60, Burst: amount}
}

// withLimits is the policy with other limits.
func withLimits(limits ...book.Limit) book.Policy {
	p := testPolicy()
	p.Plans[0].Limits = limits
	return p
}

// compile returns a policy as an update that needs nothing before it.
func compile(t testing.TB, p book.Policy) []byte {
	t.Helper()
	set, err := book.Compile(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := book.EncodeUpdate(nil, set.Update())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// takePoll keeps the new poll for later and returns the new message with it.
func (e *emulator) takePoll() proxytest.HttpCalloutAttribute {
	e.Helper()
	var message proxytest.HttpCalloutAttribute
	polls, messages := 0, 0
	for _, c := range e.calls() {
		if header(c.Headers, ":method") == "GET" {
			e.poll, polls = c, polls+1
		} else {
			message, messages = c, messages+1
		}
	}
	if polls != 1 || messages != 1 {
		e.Fatalf("%d polls and %d messages, want one of each", polls, messages)
	}
	return message
}

// stateOfVersion makes an account's state one that a newer snapshot's worker
// wrote.
func (e *emulator) stateOfVersion(account uint64, version uint64) {
	e.Helper()
	state, err := limit.Seed(nil, version, 0, e.system.monotonic, []limit.Rule{
		{ID: limitMinute, Amount: 100, Burst: 100, PeriodSeconds: 60},
		{ID: limitOrders, Amount: 10, Burst: 2, PeriodSeconds: 60},
	}, 0)
	if err != nil {
		e.Fatal(err)
	}
	e.write("weir/a/"+strconv.FormatUint(account, 10), state)
}

// publish puts a policy into shared data as another VM would.
func (e *emulator) publish(p book.Policy) {
	e.Helper()
	set, err := book.Compile(p, nil)
	if err != nil {
		e.Fatal(err)
	}
	m, _, err := new(book.Manifest).Apply(set.Update())
	if err != nil {
		e.Fatal(err)
	}
	for i, b := range set.Segments {
		e.write("weir/seg/"+strconv.Itoa(i), append(binary.LittleEndian.AppendUint64(nil, p.Version), b...))
	}
	encoded, err := book.EncodeManifest(binary.LittleEndian.AppendUint64(nil, p.Version), m)
	if err != nil {
		e.Fatal(err)
	}
	e.write("weir/manifest", encoded)
}
