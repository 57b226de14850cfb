package filter_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

func TestPolicy(t *testing.T) {
	t.Run("an edit takes effect and keeps the counters that it doesn't touch", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			e.commit(e.takePoll())
			for range 2 {
				e.send("POST", "/v1/orders/1", withKey)
			}
			edited := testPolicy()
			edited.Version = 2
			edited.Plans[0].Limits[1].Amount, edited.Plans[0].Limits[1].Burst = 600, 600
			e.answer(e.poll, 200, compile(e.T, edited))
			if b := e.commit(e.takePoll()); b.Snapshot != 2 {
				e.Errorf("the edge is told of snapshot %d at once, want 2", b.Snapshot)
			}
			x := e.send("POST", "/v1/orders/1", withKey)
			e.fields(x, policies{"per-minute": {"q": 100, "w": 60}, "orders": {"q": 600, "w": 60}},
				policies{"per-minute": {"r": 98, "t": 1}, "orders": {"r": 0, "t": 1}})
			e.pass(100 * time.Millisecond) // one order more at the new rate
			x = e.send("POST", "/v1/orders/1", withKey)
			if x.status != 200 {
				e.Errorf("at the new rate: status %d, want 200", x.status)
			}
		})
	})
	t.Run("a revoked key is unknown and a suspended account is refused", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			e.commit(e.takePoll())
			next := testPolicy()
			next.Version = 2
			next.Keys = next.Keys[1:]
			e.answer(e.poll, 200, compile(e.T, next))
			e.commit(e.takePoll())
			if x := e.send("GET", "/", withKey); x.status != 401 {
				e.Errorf("status %d, want 401", x.status)
			}
		})
	})
	t.Run("a malformed snapshot is refused as a whole and the last one stays", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			e.commit(e.takePoll())
			next := testPolicy()
			next.Version = 2
			next.Plans[0].Limits[0].Amount = 1
			broken := compile(e.T, next)
			broken[len(broken)/2] ^= 1
			e.answer(e.poll, 200, broken)
			if x := e.send("GET", "/", withKey); x.status != 200 {
				e.Errorf("status %d, want 200", x.status)
			}
			e.pass(time.Second)
			if n, err := e.GetCounterMetric("weir.snapshot.refused"); err != nil || n != 1 {
				e.Errorf("weir.snapshot.refused is %d (%v), want 1", n, err)
			}
			for _, c := range e.calls() {
				if header(c.Headers, ":method") == "GET" && !strings.HasPrefix(header(c.Headers, ":path"), "/edge/v1/snapshot?have=1&process=") {
					e.Errorf("asks for %s", header(c.Headers, ":path"))
				}
			}
		})
	})
	t.Run("what another VM publishes is found by the tick", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.StartPlugin()
			e.publish(testPolicy())
			e.pass(100 * time.Millisecond)
			if x := e.send("GET", "/", withKey); x.status != 200 {
				e.Errorf("status %d, want 200", x.status)
			}
		})
	})
	t.Run("a state from a newer snapshot makes the request wait for nothing but use it", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			e.commit(e.takePoll())
			e.send("GET", "/", withKey)
			next := testPolicy()
			next.Version = 2
			next.Plans[0].Limits[0].Name = "renamed"
			e.publish(next)
			e.stateOfVersion(accountActive, 2)
			x := e.send("GET", "/", withKey) // before any tick
			if _, ok := e.parse(header(x.headers, "ratelimit"))["renamed"]; !ok {
				e.Errorf("RateLimit %q is of the older snapshot", header(x.headers, "ratelimit"))
			}
		})
	})
	t.Run("a state that nobody here wrote begins anew, without anything for limits that fail closed", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			p := testPolicy()
			p.Plans[0].Limits[1].FailOpen = true
			e.started(p)
			e.write("weir/a/7", []byte("foreign"))
			x := e.send("POST", "/v1/orders/1", withKey)
			e.fields(x, nil, policies{"per-minute": {"r": 0, "t": 1}, "orders": {"r": 2}})
			if x.status != 429 {
				e.Errorf("status %d, want 429", x.status)
			}
			e.pass(time.Second)
			if x := e.send("POST", "/v1/orders/1", withKey); x.status != 200 {
				e.Errorf("after a second: status %d, want 200", x.status)
			}
			if n, err := e.GetCounterMetric("weir.state.replaced"); err != nil || n != 1 {
				e.Errorf("weir.state.replaced is %d (%v), want 1", n, err)
			}
		})
	})
}

func TestFetcher(t *testing.T) {
	other := wire.SourceID{9}
	held := func(at int64) []byte { return binary.LittleEndian.AppendUint64(other[:], uint64(at)) }
	t.Run("while another VM renews it, this one doesn't fetch", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.StartPlugin()
			e.write("weir/fetcher", held(e.system.monotonic))
			e.pass(3 * time.Second)
			if n := len(e.calls()); n != 0 {
				e.Errorf("%d calls, want none", n)
			}
		})
	})
	t.Run("after three seconds without renewal it is taken over", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.StartPlugin()
			e.write("weir/fetcher", held(e.system.monotonic))
			e.pass(3*time.Second + 1)
			e.call("GET")
		})
	})
	t.Run("a VM that serves requests waits a second longer", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.StartPlugin()
			e.send("GET", "/")
			e.write("weir/fetcher", held(e.system.monotonic))
			e.pass(4 * time.Second)
			for _, c := range e.calls() {
				if header(c.Headers, ":method") == "GET" {
					e.Error("it took over after 4 s")
				}
			}
			e.pass(1)
			e.call("GET")
		})
	})
	t.Run("an edge that is away is asked again, not more often than every eighth of a second", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.StartPlugin()
			polls := 0
			for range 1000 {
				e.pass(10 * time.Millisecond)
				for _, c := range e.calls() {
					if header(c.Headers, ":method") == "GET" {
						polls++
					}
					e.answer(c, 0, nil)
				}
			}
			if polls < 5 || polls > 15 {
				e.Errorf("%d polls in 10 s, want 5 to 15", polls)
			}
		})
	})
}
