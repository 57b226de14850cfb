package filter_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/plugin/wire"
)

// TestUnmatchedPathsAreTold shows which requests a batch tells the paths of: those that
// an endpoint could be made for.
func TestUnmatchedPathsAreTold(t *testing.T) {
	onEmulator(t, plainConfiguration, func(e *emulator) {
		e.started(testPolicy())
		e.commit(e.call("POST"))
		answered := func(status int, method, path string, headers ...[2]string) {
			x := e.open(method, path, headers...)
			e.finish(&x, status)
		}
		answered(200, "GET", "/v1/users/7?key=secret#top", withKey)
		answered(302, "PUT", "/v1/users/7/", withKey)
		answered(101, "GET", "/live", withKey)
		answered(404, "GET", "/.git/config", withKey)
		answered(500, "GET", "/v1/broken", withKey)
		answered(200, "POST", "/v1/orders/1", withKey)
		answered(200, "GET", "/v1/users/8")
		answered(200, "GET", "/"+strings.Repeat("x", wire.MaxUnmatchedPathBytes), withKey)
		answered(200, "GET", "/a b", withKey)
		answered(200, "get", "/v1/users/9", withKey)
		x := e.open("GET", "/left", withKey)
		e.CompleteHttpContext(x.id)
		e.pass(time.Second)
		b := e.commit(e.call("POST"))
		want := []wire.Unmatched{{Method: "GET", Path: "/v1/users/7"}, {Method: "PUT", Path: "/v1/users/7/"}, {Method: "GET", Path: "/live"}}
		if diff := cmp.Diff(want, b.Unmatched); diff != "" {
			e.Errorf("unmatched (-want +got):\n%s", diff)
		}
		answered(200, "POST", "/v1/orders/1", withKey)
		e.pass(time.Second)
		if b := e.commit(e.call("POST")); len(b.Unmatched) != 0 {
			e.Errorf("the next batch has %v again", b.Unmatched)
		}
	})
}
