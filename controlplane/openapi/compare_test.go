package openapi_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/openapi"
)

func said(c *openapi.Comparison) (lines []string) {
	for _, n := range c.Changes {
		lines = append(lines, strings.TrimSpace(fmt.Sprint(n.Kind, " ", n.Method, " ", n.Template, " ", n.Cost, " ", n.Group)))
	}
	return lines
}

func TestAnImportKeepsWhatMatchesTheSameRequests(t *testing.T) {
	d := read(t, "petstore.yaml")
	existing := []openapi.Existing{
		{Endpoint: controlplane.Endpoint{ID: 1, Method: "GET", Template: "/v1/pets", Cost: 5, GroupID: 1}, Group: "Mine"},
		{Endpoint: controlplane.Endpoint{ID: 2, Method: "GET", Template: "/v1/pets/{id}", Cost: 7}, Source: "Petstore"},
		{Endpoint: controlplane.Endpoint{ID: 3, Method: "PUT", Template: "/v1/pets/{id}", Cost: 2}, Source: "Petstore"},
		{Endpoint: controlplane.Endpoint{ID: 4, Method: "POST", Template: "/v1/pets", Cost: 1}, Source: "Shelter"},
		{Endpoint: controlplane.Endpoint{ID: 5, Method: "GET", Template: "/v1/owners", Cost: 1}},
	}
	c, err := d.Compare(existing, openapi.Options{GroupByTag: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"CONFLICT POST /v1/pets 1 Pets",
		"MISSING PUT /v1/pets/{id} 2",
		"CHANGED GET /v1/pets/{pet_id} 7 Pets",
		"ADDED GET /exports/reports/{name} 1",
		"ADDED DELETE /v1/pets/{pet_id} 1 Pets",
		"UNCHANGED GET /v1/pets 5 Mine",
	}
	if diff := cmp.Diff(want, said(c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if id := c.Changes[2].Before.ID; id != 2 {
		t.Errorf("the changed one is %d, want 2", id)
	}
}

func TestWhatATemplateCantSayIsSaid(t *testing.T) {
	d, err := openapi.Read([]byte(head + `
servers: [{url: '/a'}, {url: 'https://h.example/b/'}]
paths:
  /x/{id}: {get: {}}
  /x/{name}: {get: {}}
  /y?mode=z: {get: {}}
  /files/{path+}: {get: {}}
  /{a}-{b}: {get: {}}
  /schön/1 2: {get: {}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		base *string
		want []string
	}{
		"below the first server": {nil, []string{
			"CONFLICT GET /a/x/{name} 1", "CONFLICT GET /a/y%3Fmode=z 1", "ADDED GET /a/files/{path} 1",
			"ADDED GET /a/sch%C3%B6n/1%202 1", "ADDED GET /a/x/{id} 1", "ADDED GET /a/{a} 1",
		}},
		"below another path": {new("/gateway/"), []string{
			"CONFLICT GET /gateway/x/{name} 1", "CONFLICT GET /gateway/y%3Fmode=z 1", "ADDED GET /gateway/files/{path} 1",
			"ADDED GET /gateway/sch%C3%B6n/1%202 1", "ADDED GET /gateway/x/{id} 1", "ADDED GET /gateway/{a} 1",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := d.Compare(nil, openapi.Options{BasePath: c.base})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, said(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for i, n := range got.Changes {
				if noted := n.Note != ""; noted != (i < 3 || i == 5) {
					t.Errorf("%s has the note %q", n.Template, n.Note)
				}
			}
		})
	}
	for _, base := range []string{"v1", "/a b", "/a//b", "/{x}", "/a/../b"} {
		if _, err := d.Compare(nil, openapi.Options{BasePath: &base}); err == nil || !strings.Contains(err.Error(), "basePath") {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// Whatever was imported, to import it again changes nothing.
func TestImportingTwiceIsImportingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segment := rapid.SampledFrom([]string{"a", "b", "{x}", "{y}", "{x}.{y}", "", ".", "%61", "ö"})
		var paths strings.Builder
		drawn := map[string]bool{}
		for _, segments := range rapid.SliceOfN(rapid.SliceOfN(segment, 1, 4), 0, 12).Draw(t, "paths") {
			path := "/" + strings.Join(segments, "/")
			if drawn[path] {
				continue
			}
			drawn[path] = true
			fmt.Fprintf(&paths, "  '%s': {get: {tags: [T]}, post: {x-weir-cost: %d}}\n", path, rapid.IntRange(1, 3).Draw(t, "cost"))
		}
		d, err := openapi.Read([]byte(head + "paths:\n" + paths.String() + "  /last: {}\n"))
		if err != nil {
			t.Fatal(err)
		}
		options := openapi.Options{GroupByTag: rapid.Bool().Draw(t, "group by tag")}
		first, err := d.Compare(nil, options)
		if err != nil {
			t.Fatal(err)
		}
		var made []openapi.Existing
		for _, n := range first.Changes {
			if n.Kind == openapi.Added {
				made = append(made, openapi.Existing{Endpoint: controlplane.Endpoint{ID: controlplane.ID(len(made) + 1), Method: n.Method, Template: n.Template, Cost: n.Cost}, Group: n.Group, Source: first.Source})
			}
		}
		again, err := d.Compare(made, options)
		if err != nil {
			t.Fatal(err)
		}
		unchanged := 0
		for _, n := range again.Changes {
			switch n.Kind {
			case openapi.Unchanged:
				unchanged++
			case openapi.Conflict:
			default:
				t.Fatalf("the second time there is %+v", n)
			}
		}
		if unchanged != len(made) {
			t.Fatalf("%d are unchanged, want %d", unchanged, len(made))
		}
	})
}
