package suggest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
)

// asked makes a sample: a line is a method, a path and, unless it is 1, how many
// requests it has.
func asked(lines ...string) (paths []controlplane.UnmatchedPath) {
	for _, line := range lines {
		f := strings.Fields(line)
		p := controlplane.UnmatchedPath{Method: f[0], Path: f[1], Requests: 1}
		if len(f) > 2 {
			p.Requests, _ = strconv.ParseInt(f[2], 10, 64)
		}
		paths = append(paths, p)
	}
	return paths
}

func endpoints(lines ...string) (list []controlplane.Endpoint) {
	for i, line := range lines {
		method, template, _ := strings.Cut(line, " ")
		list = append(list, controlplane.Endpoint{ID: controlplane.ID(i + 1), Method: method, Template: template, Cost: 1})
	}
	return list
}

func TestTemplates(t *testing.T) {
	many := func(format string, n int) (lines []string) {
		for i := range n {
			lines = append(lines, fmt.Sprintf(format, string(rune('a'+i/26))+string(rune('a'+i%26))))
		}
		return lines
	}
	tests := map[string]struct {
		paths, existing, want []string
	}{
		"identifiers are parameters": {
			paths: []string{"GET /users/7", "GET /users/0f8fad5b-d9cb-469f-a165-70867728950e", "PUT /users/8", "GET /users/ann@example.com",
				"GET /categories/01ARZ3NDEKTSV4RRFFQ69G5FAV", "GET /addresses/507f1f77bcf86cd799439011", "GET /line-items/cus_9s6XKzkNRiz8i3", "GET /files/dGhpcyBpcyBhIHRlc3Q0MTI"},
			want: []string{"3 GET /users/{userId}", "1 GET /addresses/{addressId}", "1 GET /categories/{categoryId}", "1 GET /files/{fileId}",
				"1 GET /line-items/{lineItemId}", "1 PUT /users/{userId}"},
		},
		"words are text": {
			paths: []string{"GET /v1/health 3", "GET /v1/deadbeef", "GET /v1/list-all-open-invoices-of-2024", "GET /api/2/issues", "GET /api/1.0/issues", "GET /"},
			want:  []string{"3 GET /v1/health", "1 GET /", "1 GET /api/1.0/issues", "1 GET /api/2/issues", "1 GET /v1/deadbeef", "1 GET /v1/list-all-open-invoices-of-2024"},
		},
		"identifiers below identifiers": {
			paths: []string{"GET /users/1/orders/5", "GET /users/2/orders/6/lines", "GET /users/1/2/3", "GET /9/8"},
			want:  []string{"1 GET /users/{userId}/orders/{orderId}", "1 GET /users/{userId}/orders/{orderId}/lines", "1 GET /users/{userId}/{id}/{id2}", "1 GET /{id}/{id2}"},
		},
		"one of many is a parameter": {
			paths: append(many("GET /users/%s/orders", 30), "GET /users/me/orders 400", "GET /users/42/orders"),
			want:  []string{"400 GET /users/me/orders", "31 GET /users/{userId}/orders"},
		},
		"a few, or many sorts of things, are text": {
			paths: append(many("GET /v1/%s", 3), many("GET /users/%s", 2)...),
			want:  []string{"1 GET /users/aa", "1 GET /users/ab", "1 GET /v1/aa", "1 GET /v1/ab", "1 GET /v1/ac"},
		},
		"what endpoints match suggests nothing, and their names are taken over": {
			paths:    []string{"GET /users/7", "HEAD /users/7", "GET /users/7/orders", "HEAD /users/8/orders"},
			existing: []string{"GET /users/{name}"},
			want:     []string{"2 GET /users/{name}/orders"},
		},
		"no path is taken from an endpoint": {
			paths:    []string{"GET /users/7", "GET /users/8", "POST /users/7"},
			existing: []string{"GET /{tenant}/settings"},
			want:     []string{"1 GET /users/7", "1 GET /users/8", "1 POST /users/{userId}"},
		},
		"what goes after an endpoint's text takes nothing": {
			paths:    []string{"GET /users/7/orders"},
			existing: []string{"GET /users/me/{what}"},
			want:     []string{"1 GET /users/{userId}/orders"},
		},
		"what is no plain path is passed over": {
			paths: []string{"GET /a//b", "GET /a/", "get /a", "GET /{a}", "GET a", "GET /%61", "GET /a|b", "GET /a 0"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Templates(asked(tt.paths...), endpoints(tt.existing...))
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, s := range got {
				lines = append(lines, fmt.Sprint(s.Requests, " ", s.Method, " ", s.Template))
			}
			if diff := cmp.Diff(tt.want, lines); diff != "" {
				t.Errorf("suggestions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSuggestionShowsWhatItIsMadeOf(t *testing.T) {
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	paths := asked("GET /users/1", "GET /users/2 5", "GET /users/3", "GET /users/4", "GET /users/5", "GET /users/6 2", "PUT /users/6")
	for i := range paths {
		paths[i].LastSeen = at.Add(time.Duration(i%3) * time.Minute)
	}
	got, err := Templates(paths, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []Suggestion{{
		Method: "GET", Template: "/users/{userId}", Requests: 11, Share: 11.0 / 12, Paths: 6, LastSeen: at.Add(2 * time.Minute),
		Examples: []string{"/users/2", "/users/6", "/users/1", "/users/3", "/users/4"},
	}}
	if diff := cmp.Diff(want, got[:1]); diff != "" {
		t.Errorf("suggestions (-want +got):\n%s", diff)
	}
}

func TestPagesFollowOneAnother(t *testing.T) {
	all, err := Templates(asked("GET /a", "GET /b", "POST /a", "GET /c 4", "GET /d 2"), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for after, more := (Place{}), true; more; {
		var page []Suggestion
		page, more = Page(all, after, 2)
		for _, s := range page {
			got, after = append(got, s.Method+" "+s.Template), s.Place()
		}
	}
	if diff := cmp.Diff([]string{"GET /c", "GET /d", "GET /a", "POST /a", "GET /b"}, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	if page, more := Page(all, Place{Requests: 3}, 5); len(page) != 4 || more {
		t.Errorf("after a place that nothing stands at: %v, more: %v; want the last four", page, more)
	}
}

// TestWorkIsBounded has as many paths as are ever kept, and templates that overlap.
func TestWorkIsBounded(t *testing.T) {
	var paths []controlplane.UnmatchedPath
	for i := range 10_000 {
		paths = append(paths, controlplane.UnmatchedPath{Method: "GET", Path: fmt.Sprintf("/s%d/%d/t%d/%d/%d/x", i%40, i, i%7, i, i), Requests: 1})
	}
	var there []string
	for i := range 2_000 {
		there = append(there, fmt.Sprintf("GET /{a}/{b}/u%d/{c}/w%d/{d}", i%50, i))
	}
	got, err := Templates(paths, endpoints(there...))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 280 {
		t.Errorf("%d suggestions, want 280", len(got))
	}
}

func BenchmarkTemplates(b *testing.B) {
	var paths []controlplane.UnmatchedPath
	for i := range 10_000 {
		paths = append(paths, controlplane.UnmatchedPath{Method: "GET", Path: fmt.Sprintf("/api/v1/resource%d/%d/part%d", i%40, i, i%7), Requests: 1})
	}
	var there []controlplane.Endpoint
	for i := range 1_000 {
		there = append(there, controlplane.Endpoint{Method: "POST", Template: fmt.Sprintf("/api/v1/resource%d/{id}", i), Cost: 1})
	}
	for b.Loop() {
		if _, err := Templates(paths, there); err != nil {
			b.Fatal(err)
		}
	}
}
