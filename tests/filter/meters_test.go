package filter_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

func TestFilterInEnvoyCountsWhatUpstreamsDeclare(t *testing.T) {
	const tokens, rows = 51, 52
	p := gatewayPolicy(rate(21, "per-day", 100, 86_400, 100))
	p.Meters = []book.Meter{{ID: tokens, Header: "x-tokens"}, {ID: rows, Header: "x-rows", Endpoint: 3, Hidden: true}}
	edge, v := inEnvoy(t, p)

	for range 20 {
		r, _ := get(t, v.url+"/v1/search", "demo-basic", "Please-Declare", "x-tokens=12", "Please-Declare", "x-rows=1000000000")
		if r.Header.Get("X-Tokens") != "12" || len(r.Header.Values("X-Rows")) != 0 {
			t.Fatalf("the client sees %v", r.Header)
		}
	}
	r, _ := get(t, v.url+"/elsewhere", "demo-basic", "Please-Declare", "x-rows=5", "Please-Declare", "x-tokens=much")
	if r.Header.Get("X-Rows") != "5" {
		t.Errorf("a meter of one endpoint hides the field from others: %v", r.Header)
	}
	r, _ = get(t, v.url+"/v1/search", "demo-basic", "Please-Declare", "x-rows=5", "Please-Declare", "x-rows=6", "Please-Status", "500")
	if len(r.Header.Values("X-Rows")) != 0 {
		t.Errorf("of a field that is there twice the client sees %v", r.Header.Values("X-Rows"))
	}
	get(t, v.url+"/v1/search", "", "Please-Declare", "x-tokens=7") // refused, so nobody declares anything
	const requests = 23
	until(t, "all requests are counted", func() bool { n, _ := edge.total(); return n == requests })

	got := map[wire.MeterKey][2]uint64{}
	edge.each(func(b *wire.Batch) {
		for _, m := range b.Meters {
			k := m.MeterKey
			k.Minute = 0
			got[k] = [2]uint64{got[k][0] + m.Requests, got[k][1] + m.Amount}
		}
		for _, e := range b.Entries {
			if want := map[uint64]uint64{7: 2}[e.Account]; e.Tier != want {
				t.Errorf("entry %+v, want tier %d", e.EntryKey, want)
			}
		}
	})
	key := wire.MeterKey{Account: 7, Key: 70, Endpoint: 3, Tier: 2}
	withMeter := func(id uint64) wire.MeterKey { k := key; k.Meter = id; return k }
	// Envoy hands two fields of a name on as they are: the first one counts.
	want := map[wire.MeterKey][2]uint64{withMeter(tokens): {20, 240}, withMeter(rows): {21, 20*wire.MaxDeclared + 5}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("meters (-want +got):\n%s", diff)
	}
}
