package declare_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/weirhq/weir/controlplane/declare"
)

func TestFilesSayWhereTheyAreWrong(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"an unknown field":             {"tiers:\n  - name: Basic\n    colour: red\n    limits: []\n", "a.yaml:3: colour: there is no such field here; see weir schema for those of a tier"},
		"a field twice":                {"metadata:\n  manager: a\n  manager: b\n", `a.yaml:3: mapping key "manager" already defined at line 2`},
		"text for a number":            {"endpoints:\n  - method: GET\n    template: /a\n    cost: much\n", `a.yaml:4: "much" is a text here where a whole number belongs`},
		"no YAML":                      {"tiers: [\n", "a.yaml:1: did not find expected node content"},
		"two tiers of a name":          {"tiers:\n  - {name: A, limits: []}\n  - {name: A, limits: []}\n", `a.yaml:3: tier "A" is in a.yaml:2 already; leave one out`},
		"two spellings of an endpoint": {"endpoints:\n  - {method: GET, template: '/a/{x}'}\n---\nendpoints:\n  - {method: GET, template: '/a/{y}'}\n", `a.yaml:5: endpoint "GET /a/{}" is in a.yaml:2 already; leave one out`},
		"a bad limit":                  {"tiers:\n  - name: A\n    limits:\n      - name: a\n        period: DAY\n        amount: 0\n", "a.yaml:6: limits.0.amount: give a whole number from 1 to 1000000000000"},
		"a kind that there isn't":      {"tiers:\n  - name: A\n    limits:\n      - {name: a, amount: 1, period: DAY, kind: BUCKET}\n", `a.yaml:4: limits.0.kind: "BUCKET" is not one of RATE, WINDOW, QUOTA`},
		"a bad endpoint":               {"endpoints:\n  - method: GET\n    template: users\n", "a.yaml:3: template: begin with a slash, as in /v1/users/{id}"},
		"a meter of no endpoint":       {"meters:\n  - {name: A, unit: b, header: x-a, endpoint: /users}\n", `a.yaml:2: endpoint: "/users" is no endpoint; write its method and template, such as GET /v1/users/{id}`},
		"a bad time zone":              {"accounts:\n  - name: A\n    timeZone: Mars/Olympus\n", "a.yaml:3: timeZone: "},
		"a bad override":               {"accounts:\n  - name: A\n    overrides:\n      - limit: a\n        amount: -1\n", "a.yaml:5: overrides.0.amount: give a whole number"},
		"a limit overridden twice":     {"accounts:\n  - name: A\n    overrides:\n      - {limit: a, amount: 1}\n      - {limit: a, amount: 2}\n", `a.yaml:5: overrides.1.limit: limit "a" is overridden twice`},
		"an identity without a kind":   {"accounts:\n  - name: A\n    identities:\n      - value: ada\n", "a.yaml:4: identities.0.kind: choose one of JWT_SUBJECT, CERTIFICATE"},
		"a move that there isn't":      {"tiers:\n  - name: A\n    move:\n      when: LATER\n    limits: []\n", `a.yaml:4: move.when: "LATER" is not one of NONE, NOW, PERIOD_END, STEPS`},
		"a move without a when":        {"tiers:\n  - name: A\n    limits: []\n    move:\n      steps: [100]\n", "a.yaml:5: move.when: choose one of NONE"},
		"steps of another move":        {"tiers:\n  - name: A\n    limits: []\n    move:\n      when: NOW\n      steps: [100]\n", "a.yaml:6: move.steps: steps are for moving in STEPS"},
		"steps that go down":           {"tiers:\n  - name: A\n    limits: []\n    move:\n      when: STEPS\n      steps: [50, 10, 100]\n      stepMinutes: 1\n", "a.yaml:6: move.steps: give percentages from 1 to 100, each above the one before"},
		"steps at no distance":         {"tiers:\n  - name: A\n    limits: []\n    move:\n      when: STEPS\n      steps: [50, 100]\n", "a.yaml:5: move.stepMinutes: give minutes from 1 to"},
		"two managers":                 {"metadata: {manager: a}\n---\nmetadata: {manager: b}\n", "a.yaml:3: another file says that the manager is a"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := declare.Parse([]declare.File{{Name: "a.yaml", Content: []byte(tc.text)}})
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestAllFaultsOfAllFilesAreTold(t *testing.T) {
	_, err := declare.Parse([]declare.File{
		{Name: "a.yaml", Content: []byte("groups:\n  - name: ''\n")},
		{Name: "b.yaml", Content: []byte("groups:\n  - name: ''\n  - name: B\n  - name: B\n")},
	})
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "a.yaml:2: name: ") || !strings.HasPrefix(lines[2], "b.yaml:4: group \"B\" is in b.yaml:3 already") {
		t.Errorf("%q", lines)
	}
}

func TestAnUnknownFieldHidesNoOtherFault(t *testing.T) {
	_, err := declare.Parse([]declare.File{{Name: "-", Content: []byte("tiers:\n  - name: A\n    colour: red\n    limits:\n      - name: a\n        amount: -1\n        period: FOO\n")}})
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "-:3: colour: ") || !strings.Contains(err.Error(), "-:6: limits.0.amount: ") || !strings.Contains(err.Error(), "-:7: limits.0.period: ") {
		t.Errorf("%q", lines)
	}
}

func TestTheSchemaTakesWhatIsParsed(t *testing.T) {
	text, err := declare.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for document, valid := range map[string]bool{
		`{"tiers":[{"name":"A","limits":[{"name":"a","amount":1,"period":"DAY"}]}]}`:       true,
		`{"tiers":[{"name":"A","limits":[{"name":"a","amount":1,"period":"FORTNIGHT"}]}]}`: false,
		`{"tiers":[{"name":"A"}]}`: false,
		`{"tiers":[{"name":"A","limits":[],"move":{"when":"STEPS","steps":[10,100],"stepMinutes":60}}]}`: true,
		`{"tiers":[{"name":"A","limits":[],"move":{"when":"LATER"}}]}`:                                   false,
		`{"tiers":[{"name":"A","limits":[],"x":1}]}`:                                                     false,
		`{"tiers":null}`: false,
		`{"metadata":{"manager":"a"},"accounts":[{"name":"A","labels":{"team":"b"},"overrides":[{"limit":"a","amount":1,"until":"2030-01-01T00:00:00Z"}]}]}`: true,
	} {
		var value any
		if err := json.Unmarshal([]byte(document), &value); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(value); (err == nil) != valid {
			t.Errorf("%s: %v", document, err)
		}
	}
}

func FuzzParseNeverPanics(f *testing.F) {
	example, err := os.ReadFile("../cli/testdata/policy.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte("tiers: &a [*a]"))
	f.Add([]byte("a: &a {<<: *a}"))
	f.Add([]byte("tiers:\n- &t {name: A, limits: [&l {name: a}, *l]}\n- *t"))
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := declare.Parse([]declare.File{{Name: "f", Content: content}})
		if (d == nil) == (err == nil) {
			t.Error("neither a document nor an error")
		}
		if err == nil {
			again, err := declare.Parse([]declare.File{{Name: "f", Content: content}})
			if diff := cmp.Diff(d.Metadata, again.Metadata); diff != "" || err != nil {
				t.Errorf("%v %s", err, diff)
			}
		}
	})
}
