package filter_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/weirhq/weir/plugin/wire"
)

// What a request weighs is what its client sent, whether it has a body or not:
// fields that the gateway adds on the way are none of the client's.
func TestFilterInEnvoyCountsTheBytesThatClientsSent(t *testing.T) {
	edge, v := inEnvoy(t, gatewayPolicy(rate(21, "per-day", 100, 86_400, 100)))
	const body = 10_000
	send := func(status, content string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, v.url+"/elsewhere", strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Api-Key", "demo-basic")
		r.Header.Set("Please-Status", status)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
	send("200", strings.Repeat("x", body))
	send("201", "")
	until(t, "both are counted", func() bool { n, _ := edge.total(); return n == 2 })
	weigh := map[uint16]int{}
	edge.each(func(b *wire.Batch) {
		for _, e := range b.Entries {
			weigh[e.Status] += int(e.BytesIn)
		}
	})
	more := body + len("10000") - len("0") // the body, and what its length takes
	if weigh[200]-weigh[201] != more {
		t.Errorf("with a body of %d bytes a request weighs %d, and without one %d", body, weigh[200], weigh[201])
	}
}
