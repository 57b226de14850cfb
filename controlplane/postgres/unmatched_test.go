package postgres_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
)

func TestUnmatchedPathsAreBounded(t *testing.T) {
	db := open(t)
	keep := func(paths ...controlplane.UnmatchedPath) {
		t.Helper()
		if err := db.KeepUnmatched(t.Context(), paths); err != nil {
			t.Fatal(err)
		}
	}
	kept := func() map[string]int64 {
		t.Helper()
		paths, err := db.UnmatchedPaths(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		requests := map[string]int64{}
		for _, p := range paths {
			requests[p.Method+" "+p.Path] = p.Requests
		}
		return requests
	}
	keep(controlplane.UnmatchedPath{Method: "GET", Path: "/often", Requests: 2})
	var many []controlplane.UnmatchedPath
	for i := range 10_000 {
		many = append(many, controlplane.UnmatchedPath{Method: "GET", Path: "/users/" + strconv.Itoa(10_000+i), Requests: 1})
	}
	keep(many...)
	keep(controlplane.UnmatchedPath{Method: "GET", Path: "/new", Requests: 1}, controlplane.UnmatchedPath{Method: "GET", Path: "/often", Requests: 3})
	got := kept()
	if len(got) != 10_000 || got["GET /often"] != 5 || got["GET /new"] != 1 {
		t.Errorf("%d paths, /often with %d requests, /new with %d; want 10000, 5 and 1", len(got), got["GET /often"], got["GET /new"])
	}
	if err := db.ForgetUnmatched(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := len(kept()); n != 10_000 {
		t.Errorf("%d paths are left of those of the last hour, want 10000", n)
	}
	if err := db.ForgetUnmatched(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := len(kept()); n != 0 {
		t.Errorf("%d paths are left that are older, want none", n)
	}
}
