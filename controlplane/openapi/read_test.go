package openapi_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/openapi"
)

func read(t testing.TB, file string) *openapi.Document {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := openapi.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRoutesAreReadFromYAMLAndJSON(t *testing.T) {
	for file, want := range map[string]*openapi.Document{
		"petstore.yaml": {
			OpenAPI: "3.0.3", Title: "Petstore", Version: "1.0.3", BasePaths: []string{"/v1"},
			Operations: []openapi.Operation{
				{Line: 15, Method: "GET", Path: "/pets", Cost: 5, Tag: "Pets"},
				{Line: 19, Method: "POST", Path: "/pets", Tag: "Pets"},
				{Line: 30, Method: "GET", Path: "/pets/{pet-id}", Tag: "Pets"},
				{Line: 30, Method: "DELETE", Path: "/pets/{pet-id}", Tag: "Pets"},
				{Line: 25, Method: "GET", Path: "/reports/{name}.{format}", BasePaths: []string{"/exports"}},
			},
		},
		"petstore.json": {
			OpenAPI: "3.1.0", Title: "Petstore 🐾", Version: "2.0", BasePaths: []string{""},
			Operations: []openapi.Operation{
				{Line: 6, Method: "GET", Path: "/pets", Tag: "Pets"},
				{Line: 11, Method: "GET", Path: "/pets/{petId}", Tag: "Pets"},
			},
		},
	} {
		t.Run(file, func(t *testing.T) {
			if diff := cmp.Diff(want, read(t, file), cmpopts.IgnoreFields(openapi.Document{}, "Digest")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

const head = "openapi: 3.1.0\ninfo: {title: T, version: 1}\n"

func TestMistakesNameTheirPlace(t *testing.T) {
	var longWay strings.Builder
	for i := range 9 {
		fmt.Fprintf(&longWay, "  /%d: {$ref: '#/paths/~1%d'}\n", i, i+1)
	}
	longWay.WriteString("  /9: {}\n")
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                     {"  \n", "this is empty"},
		"no YAML":                     {head + "paths: [", "line 3: this is not YAML: "},
		"no JSON":                     {"{\n\"openapi\": }", "line 2: this is not JSON: "},
		"half of JSON":                {"{\n\"openapi\":", "line 2: this is not JSON: it ends too early"},
		"more behind JSON":            {"{\n}\n{}", "line 3: there is more behind"},
		"Swagger":                     {"swagger: '2.0'", "line 1, swagger: this is Swagger 2.0"},
		"another version":             {"openapi: 4.0.0", `line 1, openapi: this is version "4.0.0"`},
		"no title":                    {"openapi: 3.0.0\npaths: {}", "there is no info.title"},
		"no paths":                    {head, "there is no field paths"},
		"paths that are a list":       {head + "paths: []", "line 3, paths: this has to be a mapping"},
		"a path without a slash":      {head + "paths:\n  pets: {}", "line 4, paths.pets: a path has to begin with a slash"},
		"an operation that is text":   {head + "paths:\n  /pets:\n    get: it", "line 5, paths./pets.get: this has to be a mapping"},
		"a path that is there twice":  {head + "paths:\n  /a: {}\n  /a: {}", "line 5, paths./a: this is here twice"},
		"a cost that is none":         {head + "paths: {/a: {get: {x-weir-cost: 0}}}", "paths./a.get.x-weir-cost: give a whole number"},
		"a reference elsewhere":       {head + "paths:\n  /a: {$ref: 'file:///etc/passwd'}", "leads out of the document"},
		"a reference to nowhere":      {head + "paths:\n  /a: {$ref: '#/components/a'}", "leads nowhere"},
		"a reference to itself":       {head + "paths:\n  /a: {$ref: '#/paths/~1a'}", "line 4, paths./a: this refers to itself"},
		"references in a circle":      {head + "paths:\n  /a: {$ref: '#/paths/~1b'}\n  /b: {$ref: '#/paths/~1c'}\n  /c: {$ref: '#/paths/~1b'}", "line 6, paths./a: this refers to itself"},
		"a long way of references":    {head + "paths:\n" + longWay.String(), "line 12, paths./0: references lead on to one another more than 8 times"},
		"a merge key":                 {head + "paths:\n  /a:\n    <<: {get: {}}", "line 5, paths./a: merge keys"},
		"a server without a URL":      {head + "paths: {}\nservers: [{}]", "line 4, servers.0: a server needs a url"},
		"a second document":           {head + "paths: {}\n---\n" + head + "paths: {}\n", "a second document begins here"},
		"an unknown alias":            {head + "paths: *nobody", "this is not YAML: unknown anchor"},
		"a document that is a scalar": {"hello", "this has to be a mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openapi.Read([]byte(c.text))
			faults := controlplane.Faults(err)
			if len(faults) != 1 || faults[0].Field != "document" || faults[0].Code != controlplane.CodeValidation || !strings.Contains(faults[0].Message, c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestDocumentsThatWouldTakeTooMuchAreRefused(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "  /p%d: {get: {}}\n", i)
		}
		return b.String()
	}
	layers := head + "x0: &a0 [a, a]\n"
	for i := range 40 {
		layers += fmt.Sprintf("x%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	wide := head + "x: &ops {get: {}, put: {}, post: {}, delete: {}, head: {}, patch: {}, trace: {}}\npaths:\n" +
		strings.ReplaceAll(many(openapi.MaxOperations/7+1), "{get: {}}", "*ops")
	for name, c := range map[string]struct{ text, want string }{
		"bytes":                 {strings.Repeat("a", openapi.MaxBytes+1), "at most 5242880 bytes"},
		"values of YAML":        {"[" + strings.Repeat("a,", 700_000), "more than 600000 values"},
		"values of JSON":        {`{"a":[` + strings.Repeat("1,", 700_000) + "1]}", "more than 600000 values"},
		"depth of YAML":         {strings.Repeat("- ", 20_000), "this is not YAML: exceeded max depth"},
		"depth of JSON":         {`{"a":` + strings.Repeat("[", 20_000), "more than 200 deep"},
		"operations":            {head + "paths:\n" + many(openapi.MaxOperations+1), "at most 10000 operations"},
		"operations by aliases": {wide, "at most 10000 operations"},
		"paths by aliases":      {layers + "paths: *a40\n", "paths: this has to be a mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openapi.Read([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, file := range []string{"petstore.yaml", "petstore.json"} {
		text, err := os.ReadFile("testdata/" + file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(head + "paths: &a {/a: *a}")
	f.Add(head + "paths: {'/%zz/{}{a}b/..//': {get: {}}}")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := openapi.Read([]byte(text))
		if err != nil {
			if f := controlplane.Faults(err); len(f) != 1 || f[0].Field != "document" {
				t.Errorf("%v is no mistake in the document", err)
			}
			return
		}
		c, err := d.Compare(nil, openapi.Options{Source: "S"})
		if err != nil {
			if f := controlplane.Faults(err); len(f) != 1 {
				t.Errorf("%v is no mistake of the caller's", err)
			}
			return
		}
		for _, n := range c.Changes {
			if n.Kind == openapi.Added {
				if err := controlplane.ValidateEndpoint(controlplane.Endpoint{Method: n.Method, Template: n.Template, Cost: n.Cost}); err != nil {
					t.Errorf("%+v: %v", n, err)
				}
			}
		}
	})
}
