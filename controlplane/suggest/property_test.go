package suggest

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/book"
)

// vocabulary is few words, so that templates and paths meet often.
var vocabulary = []string{"users", "orders", "me", "v1", "api", "7", "42", "a", "b", "settings", "cus_9s6XKzkNRiz8i3", "0f8fad5b-d9cb-469f-a165-70867728950e", "x%20y", "1.0"}

func drawPath(t *rapid.T) string {
	return "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(vocabulary), 0, 5).Draw(t, "segments"), "/")
}

func drawSample(t *rapid.T) (paths []controlplane.UnmatchedPath) {
	for range rapid.IntRange(1, 60).Draw(t, "paths") {
		p := controlplane.UnmatchedPath{
			Method: rapid.SampledFrom([]string{"GET", "HEAD", "POST"}).Draw(t, "method"), Path: drawPath(t), Requests: int64(rapid.IntRange(1, 5).Draw(t, "requests")),
		}
		paths = append(paths, p)
	}
	if base := drawPath(t); base != "/" && rapid.Bool().Draw(t, "many") {
		for i := range 70 {
			paths = append(paths, controlplane.UnmatchedPath{Method: "GET", Path: base + "/w" + string(rune('a'+i%26)) + string(rune('a'+i/26)), Requests: 1})
		}
	}
	return paths
}

func drawExisting(t *rapid.T) (list []controlplane.Endpoint) {
	words := append([]string{"{x}", "{y}", "{x}"}, vocabulary...)
	routes := map[string]bool{}
	for range rapid.IntRange(0, 12).Draw(t, "existing") {
		e := controlplane.Endpoint{
			Method:   rapid.SampledFrom([]string{"GET", "HEAD", "POST", "*"}).Draw(t, "existing method"),
			Template: "/" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 5).Draw(t, "template"), "/"), Cost: 1,
		}
		if e.Template != "/" && rapid.IntRange(0, 4).Draw(t, "slash") == 0 {
			e.Template += "/"
		}
		if route := e.Method + controlplane.RouteOf(e.Template); !routes[route] {
			routes[route] = true
			list = append(list, e)
		}
	}
	return list
}

// open returns what says by which of the endpoints a path is matched, from 1; 0: none.
func open(t interface{ Fatal(...any) }, list []controlplane.Endpoint) func(method, path string) uint64 {
	p := book.Policy{Version: 1}
	for i, e := range list {
		p.Endpoints = append(p.Endpoints, book.Endpoint{ID: uint64(i + 1), Method: e.Method, Template: e.Template, Cost: 1})
	}
	set, err := book.Compile(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	core, err := book.OpenCore(set.Segments[0])
	if err != nil {
		t.Fatal(err)
	}
	return func(method, path string) uint64 {
		e, _ := core.MatchEndpoint(method, path)
		return e.ID
	}
}

// check fails unless all that package suggest promises holds of a sample. others are
// paths that may be asked for, too.
func check(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, paths []controlplane.UnmatchedPath, existing []controlplane.Endpoint, others []string) {
	got, err := Templates(paths, existing)
	if err != nil {
		t.Fatal(err)
	}
	all := append([]controlplane.Endpoint{}, existing...)
	for _, s := range got {
		e := controlplane.Endpoint{Method: s.Method, Template: s.Template, Cost: 1}
		if err := controlplane.ValidateEndpoint(e); err != nil {
			t.Fatalf("%s %s can't be made an endpoint: %v", s.Method, s.Template, err)
		}
		all = append(all, e)
	}
	before, after := open(t, existing), open(t, all)
	requests := make([]int64, len(got))
	for _, p := range paths {
		if plain, ok := controlplane.PlainUnmatched(p.Method, p.Path); !ok || plain != p.Path || p.Requests < 1 || before(p.Method, p.Path) != 0 {
			continue
		}
		id := after(p.Method, p.Path)
		if id <= uint64(len(existing)) {
			t.Fatalf("%s %s is matched by no suggestion", p.Method, p.Path)
		}
		requests[id-1-uint64(len(existing))] += p.Requests
	}
	for i, s := range got {
		if s.Requests != requests[i] {
			t.Fatalf("%s %s says %d requests and matches %d", s.Method, s.Template, s.Requests, requests[i])
		}
	}
	for _, path := range others {
		for _, method := range []string{"GET", "HEAD", "POST", "PATCH"} {
			was, is := before(method, path), after(method, path)
			if was != 0 && is != was && existing[was-1].Method != "HEAD" {
				t.Fatalf("%s %s was %v's, and would be %v's", method, path, existing[was-1], all[is-1])
			}
		}
	}
	random := rand.New(rand.NewPCG(uint64(len(paths)), 1))
	shuffled, mixed := append([]controlplane.UnmatchedPath{}, paths...), append([]controlplane.Endpoint{}, existing...)
	random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	if again, err := Templates(shuffled, mixed); err != nil || !cmp.Equal(again, got) {
		t.Fatalf("in another order: %v\n%s", err, cmp.Diff(got, again))
	}
	if left, err := Templates(paths, all); err != nil || len(left) != 0 {
		t.Fatalf("once all are made, %v is suggested (%v)", left, err)
	}
}

func TestPromisesHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		paths, existing := drawSample(t), drawExisting(t)
		var others []string
		for _, e := range existing {
			path := e.Template
			for strings.Contains(path, "{") {
				from, to := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
				path = path[:from] + rapid.SampledFrom(vocabulary).Draw(t, "other") + path[to+1:]
			}
			others = append(others, path)
		}
		for range 5 {
			others = append(others, drawPath(t))
		}
		check(t, paths, existing, others)
	})
}

// FuzzTemplates reads a sample and endpoints from lines: a method and a path, or a
// template where there is a parameter in it.
func FuzzTemplates(f *testing.F) {
	f.Add("GET /users/7\nGET /users/{id}/x\nHEAD /a/b/\nPOST /a;b/../c")
	f.Add("GET /{a}/settings\nGET /users/7\n* /{a}\nGET /users/8\nGET /users/%41")
	f.Fuzz(func(t *testing.T, text string) {
		var paths []controlplane.UnmatchedPath
		var existing []controlplane.Endpoint
		routes := map[string]bool{}
		for i, line := range strings.Split(text, "\n") {
			method, path, _ := strings.Cut(line, " ")
			e := controlplane.Endpoint{Method: method, Template: path, Cost: 1}
			route := method + controlplane.RouteOf(path)
			switch {
			case i > 50:
			case !strings.Contains(path, "{"):
				paths = append(paths, controlplane.UnmatchedPath{Method: method, Path: path, Requests: int64(len(path)%3 + 1)})
			case controlplane.ValidateEndpoint(e) == nil && !routes[route]:
				routes[route] = true
				existing = append(existing, e)
			}
		}
		var others []string
		for i, e := range existing {
			others = append(others, strings.NewReplacer("{", "", "}", "").Replace(e.Template)+strconv.Itoa(i%2))
		}
		check(t, paths, existing, others)
	})
}
