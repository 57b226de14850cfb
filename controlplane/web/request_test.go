package web_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/web"
)

func TestARequestKeepsItsIDOrGetsOne(t *testing.T) {
	for name, c := range map[string]struct {
		brings string
		kept   bool
	}{
		"a sane one is kept":        {"0af7651916cd43dd-8448eb211c80319c", true},
		"none":                      {"", false},
		"one that would split logs": {"a b", false},
		"one that isn't ASCII":      {"ä", false},
		"one that is too long":      {strings.Repeat("a", 129), false},
	} {
		t.Run(name, func(t *testing.T) {
			var seen controlplane.Actor
			h := web.Identified(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = controlplane.ActorOf(r.Context()) }))
			answered := serve(t, h, http.MethodGet, "/", "X-Request-Id", c.brings).Header.Get("X-Request-Id")
			if (answered == c.brings) != c.kept || len(answered) < 20 {
				t.Errorf("%q becomes %q", c.brings, answered)
			}
			if seen.RequestID != answered || seen.Kind != controlplane.ActorSystem {
				t.Errorf("the actor is %+v", seen)
			}
		})
	}
}
