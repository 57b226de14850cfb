package filter

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

// stubHost is a proxy that allocates nothing itself, so that what a request
// allocates is the filter's.
type stubHost struct {
	proxy
	shared  map[string]*[]byte
	headers []byte
	address []byte
}

func (h *stubHost) getShared(key []byte) ([]byte, uint32, bool) {
	v, ok := h.shared[string(key)]
	if !ok {
		return nil, ifAbsent, false
	}
	return *v, 1, true
}

func (h *stubHost) setShared(key, value []byte, _ uint32) bool {
	if v, ok := h.shared[string(key)]; ok {
		*v = append((*v)[:0], value...)
		return true
	}
	b := append(make([]byte, 0, 2*len(value)), value...)
	h.shared[string(key)] = &b
	return true
}

func (h *stubHost) property(p *property) []byte {
	if p == sourceAddress {
		return h.address
	}
	return nil
}

type stubSystem struct{ now int64 }

func (s *stubSystem) MonotonicNS() int64         { s.now += 1000; return s.now }
func (s *stubSystem) WallNS() int64              { return s.now + int64(24*365*50*time.Hour) }
func (*stubSystem) Random(p []byte)              {}
func (*stubSystem) Getenv(string) (string, bool) { return "", false }
func (h *stubHost) send(headers ...[2]string)    { h.headers = packed(headers, nil) }
func (h *stubHost) requestHeaders() []byte       { return h.headers }
func (h *stubHost) put(key string, version uint64, b []byte) {
	v := append(binary.LittleEndian.AppendUint64(nil, version), b...)
	h.shared[key] = &v
}

// stubbed is a plugin with this policy on a stub.
func stubbed(t testing.TB, p book.Policy) (*plugin, *stubHost) {
	t.Helper()
	host, system := &stubHost{shared: map[string]*[]byte{}}, &stubSystem{now: int64(time.Hour)}
	set, err := book.Compile(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := new(book.Manifest).Apply(set.Update())
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := book.EncodeManifest(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range set.Segments {
		host.put("weir/seg/"+strconv.Itoa(i), p.Version, b)
	}
	host.put("weir/manifest", p.Version, encoded)
	c := defaultConfig()
	c.identify = [maxWays]way{byKey, byAddress}
	plugin := &plugin{
		system: system, host: host, config: c, paths: newPaths(&c), keys: newKeyCache(), leasing: newLeasing(), health: newHealth(),
		meter: meter.New(meter.Config{Node: "n", FlushEveryNS: second}),
	}
	if !plugin.loadPolicy() {
		t.Fatal("the policy wasn't loaded")
	}
	return plugin, host
}

// everyKind is a policy with limits of every kind for accounts, keys and
// addresses.
func everyKind(keys int) book.Policy {
	limit := func(id uint64, s book.Subject, k book.Kind, m book.Measure, mode book.Mode) book.Limit {
		l := book.Limit{ID: id, Name: "l" + strconv.FormatUint(id, 10), Subject: s, Selector: book.All, Kind: k, Measure: m, Mode: mode, Amount: 1_000_000_000}
		switch k {
		case book.Rate:
			l.Burst, l.PeriodSeconds = l.Amount, 60
		case book.Window:
			l.PeriodSeconds = 60
		case book.Quota:
			l.QuotaPeriod, l.FailOpen = book.Month, true
		}
		return l
	}
	p := book.Policy{Version: 1, Anonymous: 9, Endpoints: []book.Endpoint{{ID: 3, Method: "GET", Template: "/v1/{x}", Cost: 2}},
		Plans: []book.Plan{
			{ID: 2, Tier: 2, Name: "Basic", Limits: []book.Limit{
				limit(1, book.PerAccount, book.Rate, book.Requests, book.Enforce),
				limit(2, book.PerAccount, book.Window, book.Requests, book.Soft),
				limit(3, book.PerAccount, book.Quota, book.Cost, book.Enforce),
				limit(4, book.PerAccount, book.Rate, book.Bytes, book.Shadow),
				limit(5, book.PerKey, book.Rate, book.Requests, book.Enforce),
			}},
			{ID: 9, Tier: 9, Name: "Anonymous", Limits: []book.Limit{limit(6, book.PerAddress, book.Rate, book.Requests, book.Enforce)}},
		}}
	for i := range keys {
		id := uint64(i + 1)
		p.Keys = append(p.Keys, book.Key{ID: id, Account: id, Plan: 2, Kind: book.APIKey, Digest: book.SecretDigest("key-" + strconv.Itoa(i))})
	}
	return p
}

func TestDecidePathAllocatesNothing(t *testing.T) {
	for name, key := range map[string]string{"known key": "key-1", "address": "", "unknown key": "nobody"} {
		t.Run(name, func(t *testing.T) {
			p, host := stubbed(t, everyKind(2))
			host.address = []byte("203.0.113.7:4711")
			headers := [][2]string{{":method", "GET"}, {":path", "/v1/users?a=b"}, {"x-request-id", "1"}}
			if key != "" {
				headers = append(headers, [2]string{"x-api-key", key})
			}
			host.send(headers...)
			r := &request{plugin: p}
			if n := testing.AllocsPerRun(1000, func() { decideOnce(t, r, key != "nobody") }); n != 0 {
				t.Errorf("%v allocations from identify to decision, want none", n)
			}
		})
	}
}

func decideOnce(t testing.TB, r *request, known bool) {
	r.nowNS = r.system.MonotonicNS()
	f := &r.scratch.fields
	f.read(r.host.requestHeaders(), r.config.keyHeader)
	if why := r.identify(f); (why == welcome) != known {
		t.Fatalf("refusal %d", why)
	} else if !known {
		return
	}
	q := r.question(f)
	if err := r.decide(q); err != nil || !q.allowed() {
		t.Fatalf("not allowed: %v", err)
	}
	r.observe(q)
	r.judgeLimits(q)
	r.leaseAsked(q)
	r.describe(q)
	r.remember(q)
}

func BenchmarkDecide(b *testing.B) {
	rates := everyKind(2)
	rates.Plans[0].Limits = rates.Plans[0].Limits[:1]
	for id := range uint64(2) {
		l := rates.Plans[0].Limits[0]
		l.ID, l.Name = 10+id, "more-"+strconv.FormatUint(id, 10)
		rates.Plans[0].Limits = append(rates.Plans[0].Limits, l)
	}
	for name, policy := range map[string]book.Policy{"three rates": rates, "every kind": everyKind(2)} {
		b.Run(name, func(b *testing.B) {
			p, host := stubbed(b, policy)
			host.send([2]string{":method", "GET"}, [2]string{":path", "/v1/users?a=b"}, [2]string{"x-request-id", "1"}, [2]string{"x-api-key", "key-1"})
			r := &request{plugin: p}
			for b.Loop() {
				decideOnce(b, r, true)
			}
		})
	}
}

// TestHostileCallersDontGrowMemory sends random keys and addresses and looks at
// everything that the filter keeps.
func TestHostileCallersDontGrowMemory(t *testing.T) {
	p, host := stubbed(t, everyKind(5000))
	random := rand.New(rand.NewPCG(1, 2))
	r := &request{plugin: p}
	for i := range 300_000 {
		host.address = strconv.AppendUint(append(strconv.AppendUint(host.address[:0], uint64(1+random.IntN(223)), 10), '.'), uint64(random.IntN(256)), 10)
		host.address = append(strconv.AppendUint(append(host.address, '.'), uint64(random.IntN(256)), 10), ".9:1"...)
		headers := [][2]string{{":method", "GET"}, {":path", "/" + strconv.Itoa(i)}}
		switch i % 3 {
		case 0:
			headers = append(headers, [2]string{"x-api-key", "key-" + strconv.Itoa(i%5000)})
		case 1:
			headers = append(headers, [2]string{"x-api-key", strconv.FormatUint(random.Uint64(), 36)})
		}
		host.send(headers...)
		*r = request{plugin: p, nowNS: p.system.MonotonicNS()}
		f := &r.scratch.fields
		f.read(host.requestHeaders(), p.config.keyHeader)
		r.decision = wire.Unauthenticated
		if r.identify(f) == welcome {
			q := r.question(f)
			if err := r.decide(q); err != nil {
				t.Fatal(err)
			}
			r.observe(q)
			r.leaseAsked(q)
			r.describe(q)
		}
	}
	sets, states := 0, 0
	for key := range host.shared {
		switch key[0] {
		case 'i':
			sets++
		case 'a', 'k':
			states++
		}
	}
	if sets > 8192 || states > 2*5000 {
		t.Errorf("%d sets of addresses and %d states of accounts and keys; want at most 8192 and 10000", sets, states)
	}
	if n := len(p.leasing.touched); n > maxTouched {
		t.Errorf("%d subjects to report, want at most %d", n, maxTouched)
	}
	if n := len(p.keys.entries); n != cachedKeys {
		t.Errorf("%d cached keys, want %d", n, cachedKeys)
	}
}
