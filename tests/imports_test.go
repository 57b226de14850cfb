package tests

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/weirhq/weir/"

// onlyImporters says which packages may import what, and why nobody else. A
// name ending in /... stands for a package and those below it. Test files may
// import what they need to look at the real thing from outside.
var onlyImporters = []struct {
	imported  string
	importers []string
	reason    string
}{
	{
		"github.com/proxy-wasm/proxy-wasm-go-sdk/...", []string{"plugin/filter", "tests/bench/empty", "tests/filter/trap"},
		"host calls stay at the filter's rim, so that everything else runs and is tested as plain Go",
	},
	{
		"github.com/nats-io/...", []string{"controlplane/stream", "controlplane/stream/streamtest"},
		"what carries usage can change without anybody else noticing; streamtest runs the servers of tests",
	},
	{
		"github.com/jackc/pgx/...", []string{"controlplane/postgres", "controlplane/embedded/pgtest", "tests/bench/ingest", "tests/bench/queries"},
		"SQL is in one place; pgtest makes the databases that tests of it run on, and the benchmarks of ingest and queries make theirs",
	},
	{
		"github.com/pressly/goose/...", []string{"controlplane/postgres"},
		"migrations belong to the store",
	},
	{
		"github.com/99designs/gqlgen/...", []string{"graph/...", "tests/bench/live"},
		"the API's shape does not leak into what it shows; the benchmark compares with the library's own transport",
	},
	{
		"github.com/vektah/gqlparser/...", []string{"graph/...", "tests/bench/live"},
		"the API's shape does not leak into what it shows",
	},
	{
		"github.com/Khan/genqlient/...", []string{"controlplane/client"},
		"how the API is called is in one place",
	},
	{
		"github.com/prometheus/...", []string{"controlplane/telemetry"},
		"what is measured, and under which names, is in one place",
	},
	{
		"go.opentelemetry.io/...", []string{"controlplane/telemetry", "controlplane/postgres"},
		"what is traced is in one place; the driver's spans are made where the driver is",
	},
	{
		"github.com/coreos/go-oidc/...", []string{"controlplane/openid"},
		"what an OpenID provider says is checked in one place",
	},
	{
		"github.com/zitadel/...", []string{"controlplane/openid/openidtest"},
		"Weir is no provider; tests have one",
	},
	{
		"testing", []string{"controlplane/embedded/pgtest", "controlplane/certs/certstest", "controlplane/openid/openidtest", "controlplane/stream/streamtest", "tests/..."},
		"the product does not carry its tests",
	},
	{
		module + "controlplane/...", []string{"controlplane/...", "graph/...", "tests/..."},
		"the filter and the deployment know nothing of the control plane",
	},
}

// notIn says what packages stay away from, and why.
var notIn = []struct {
	importer string
	imported []string
	reason   string
}{
	{
		"plugin/...", []string{"fmt", "encoding/json", "reflect", "regexp", "net/http", "text/template"},
		"reflection doubles the module, and with it the time that Envoy takes to compile it",
	},
	{
		"controlplane", []string{"net/http", "database/sql", "os"},
		"the nouns do no I/O",
	},
}

// badNames are package names that say nothing.
var badNames = []string{"util", "utils", "common", "helpers", "types"}

type listed struct {
	ImportPath string
	Name       string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	list := exec.Command("go", "list", "-json=ImportPath,Name,Imports", module+"...")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// covers says whether a pattern stands for an import path.
func covers(pattern, path string) bool {
	prefix, below := strings.CutSuffix(pattern, "/...")
	return path == prefix || below && strings.HasPrefix(path, prefix+"/")
}

func TestImportRules(t *testing.T) {
	used := map[string]bool{}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, rule := range onlyImporters {
			allowed := slices.ContainsFunc(rule.importers, func(i string) bool { return covers(i, name) })
			for _, i := range p.Imports {
				if !covers(rule.imported, i) {
					continue
				}
				used[rule.imported] = true
				if !allowed {
					t.Errorf("%s imports %s, which is for %s only: %s", name, i, strings.Join(rule.importers, ", "), rule.reason)
				}
			}
		}
		for _, rule := range notIn {
			if !covers(rule.importer, name) {
				continue
			}
			for _, i := range p.Imports {
				if slices.Contains(rule.imported, i) {
					t.Errorf("%s imports %s: %s", name, i, rule.reason)
				}
			}
		}
	}
	for _, rule := range onlyImporters {
		if !used[rule.imported] {
			t.Errorf("nobody imports %s any more; the rule for it has no use", rule.imported)
		}
	}
}

func TestPackageNamesSaySomething(t *testing.T) {
	for _, p := range packages(t) {
		last := p.ImportPath[strings.LastIndex(p.ImportPath, "/")+1:]
		if slices.Contains(badNames, p.Name) || slices.Contains(badNames, last) {
			t.Errorf("%s is called %s: name it after what it does", p.ImportPath, p.Name)
		}
	}
}

func TestCoversIsExact(t *testing.T) {
	for _, tc := range []struct {
		pattern, path string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a/b/...", "a/b/c", true},
		{"a/b/...", "a/b", true},
		{"a/b/...", "a/bc", false},
	} {
		if covers(tc.pattern, tc.path) != tc.want {
			t.Errorf("covers(%q, %q) is %v", tc.pattern, tc.path, !tc.want)
		}
	}
}
