package filter

import (
	"strconv"
	"testing"
	"unsafe"

	"github.com/weirhq/weir/plugin/meter"
)

// TestUnmatchedPathsCostNoMemory asks for ever new paths, with requests that stay open
// among them.
func TestUnmatchedPathsCostNoMemory(t *testing.T) {
	p, host := benchmarked(t)
	path := []byte("/users/0000000")
	headers := packed([][2]string{{":path", string(path)}, {":method", "GET"}, {"x-api-key", "key-1"}}, nil)
	at := len(headers)
	for i := range headers {
		if i+len(path) <= len(headers) && string(headers[i:i+len(path)]) == string(path) {
			at = i
		}
	}
	host.headers = headers
	r, open := &request{plugin: p}, make([]request, 500)
	n := 0
	ask := func() {
		n++
		strconv.AppendInt(headers[at+len("/users/"):at+len("/users/")], int64(1_000_000+n), 10)
		if n%3 == 0 {
			open[n%len(open)] = request{plugin: p}
			open[n%len(open)].OnHttpRequestHeaders(3, true)
			return
		}
		whole(t, r)
	}
	ask()
	if n := testing.AllocsPerRun(10_000, ask); n != 0 {
		t.Errorf("%v allocations a request, want none", n)
	}
	if size := unsafe.Sizeof(p.strays); size > 24<<10 {
		t.Errorf("%d bytes are kept for paths, want at most 24 KB", size)
	}
}

func TestLongRequestsMakeRoomForOthers(t *testing.T) {
	m := meter.New(meter.Config{})
	var s strays
	f := &fields{method: []byte("GET"), path: []byte("/events")}
	for i := range 2 * maxStrays {
		if place := s.keep(f, 0); (place != 0) != (i < maxStrays) {
			t.Fatalf("request %d got place %d; %d are to have one", i, place, maxStrays)
		}
	}
	first := s.slots[1].place
	place := s.keep(f, strayNS)
	if place == 0 {
		t.Fatal("a second later there is no room")
	}
	s.end(first, 200, m) // its place is another's now
	if s.slots[place%maxStrays].place != place {
		t.Error("one that came too late gave up another's place")
	}
}

func BenchmarkUnmatchedRequest(b *testing.B) {
	p, host := benchmarked(b)
	host.send([2]string{":authority", "127.0.0.1:10000"}, [2]string{":path", "/v1/users/4711/orders"}, [2]string{":method", "GET"}, [2]string{":scheme", "http"},
		[2]string{"user-agent", "bench"}, [2]string{"x-api-key", "key-1"}, [2]string{"x-forwarded-proto", "http"}, [2]string{"x-request-id", "62ff9a2d-ffbd-9f29-8feb-c1ee68a31b46"})
	r := &request{plugin: p}
	for b.Loop() {
		whole(b, r)
	}
}
