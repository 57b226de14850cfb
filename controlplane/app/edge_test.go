package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/plugin/wire"
)

func TestTheEdgeRefusesWhatItCanNotUse(t *testing.T) {
	p := open(t)
	good, err := wire.EncodeBatch(nil, usageBatch(1, 7, 5, wire.Allowed))
	if err != nil {
		t.Fatal(err)
	}
	flipped := []byte(string(good))
	flipped[len(flipped)/2] ^= 1
	for name, tc := range map[string]struct {
		method, path, body string
		want               int
	}{
		"nothing":                {"POST", "/edge/v1/usage", "", http.StatusBadRequest},
		"a flipped bit":          {"POST", "/edge/v1/usage", string(flipped), http.StatusBadRequest},
		"half a batch":           {"POST", "/edge/v1/usage", string(good[:len(good)/2]), http.StatusBadRequest},
		"too much":               {"POST", "/edge/v1/usage", strings.Repeat("x", wire.MaxBatchBytes+1), http.StatusRequestEntityTooLarge},
		"a version that is none": {"GET", "/edge/v1/snapshot?have=x", "", http.StatusBadRequest},
		"a process that is none": {"GET", "/edge/v1/snapshot?have=0&process=7", "", http.StatusBadRequest},
		"another method":         {"DELETE", "/edge/v1/usage", "", http.StatusMethodNotAllowed},
		"another path":           {"GET", "/graphql", "", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			got := p.send(tc.method, p.edge(tc.path), tc.body, "Authorization", "Bearer "+nodeToken)
			if got.Status != tc.want || got.Body == "" {
				t.Errorf("got %d %q, want %d", got.Status, got.Body, tc.want)
			}
		})
	}
}

func TestAReceiptSaysWhatIsCommitted(t *testing.T) {
	p := open(t)
	heartbeat := &wire.Batch{Source: wire.SourceID{1, 2, 3}, Node: "gateway-1", Snapshot: 42, SentMS: time.Now().UnixMilli()}
	receipt := func(got answer) wire.Receipt {
		t.Helper()
		r, err := wire.DecodeReceipt([]byte(got.Body))
		if err != nil || got.Status != http.StatusOK {
			t.Fatalf("%d %q, %v", got.Status, got.Body, err)
		}
		return r
	}
	if r := receipt(p.post(heartbeat)); r != (wire.Receipt{}) {
		t.Errorf("before anything: %+v", r)
	}
	for n := uint64(1); n <= 3; n++ {
		if r := receipt(p.post(usageBatch(n, 7, 5, wire.Allowed))); r.Accepted != n {
			t.Errorf("batch %d: %+v", n, r)
		}
	}
	// A batch that comes again, after its commit or before, counts once.
	p.post(usageBatch(2, 7, 5, wire.Allowed))
	for receipt(p.post(heartbeat)).Committed < 3 {
		if t.Context().Err() != nil {
			t.Fatal("never committed")
		}
	}
	var read struct {
		TopConsumers []struct {
			Account *struct{ ID string }
			Share   float64
			Totals  struct{ Requests int64 }
		}
		Rollout struct {
			Workers []struct {
				Source, Node string
				Snapshot     int64
			}
		}
	}
	p.must(fmt.Sprintf(`{topConsumers(from:%q){account{id} share totals{requests}} rollout{workers{source node snapshot}}}`,
		time.Now().Add(-time.Hour).Format(time.RFC3339)), &read)
	if c := read.TopConsumers; len(c) != 1 || c[0].Totals.Requests != 15 || c[0].Account != nil || c[0].Share != 1 {
		t.Errorf("consumers %+v", c)
	}
	if w := read.Rollout.Workers; len(w) != 1 || w[0].Node != "gateway-1" || w[0].Snapshot != 42 {
		t.Errorf("workers %+v", w)
	}
}

func TestEachNodeTokenIsGood(t *testing.T) {
	const next = "the-node-token-that-takes-the-place-of-the-first"
	p := openOn(t, databases.New(t), func(c *app.Config) { c.NodeToken = nodeToken + "\n" + next + "\n" })
	for token, want := range map[string]int{
		nodeToken: http.StatusOK, next: http.StatusOK,
		"": http.StatusUnauthorized, nodeToken + "\n" + next: http.StatusUnauthorized, next + "x": http.StatusUnauthorized,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.edge("/edge/v1/snapshot?have=0"), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header["Authorization"] = []string{"Bearer " + strings.ReplaceAll(token, "\n", " ")}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%q: status %d, want %d", token, response.StatusCode, want)
		}
	}
}
