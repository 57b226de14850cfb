package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane/declare"
)

const policy = "testdata/policy.yaml"

// planID is the only thing of a plan that differs from one database to the next.
var planID = regexp.MustCompile(`Plan [0-9a-f]{12}`)

func steady(plan string) string { return planID.ReplaceAllString(plan, "Plan ************") }

// edited writes the policy with replacements into a file of its own.
func edited(t *testing.T, replacements ...string) string {
	t.Helper()
	text, err := os.ReadFile(policy)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "policy.yaml")
	for i := 0; i < len(replacements); i += 2 {
		if !strings.Contains(string(text), replacements[i]) {
			t.Fatalf("the policy has no %q", replacements[i])
		}
	}
	if err := os.WriteFile(file, []byte(strings.NewReplacer(replacements...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const nothing = "Nothing to change.\n"

func TestPolicyInFiles(t *testing.T) {
	p := open(t)
	first := p.weir("plan", "-f", policy)
	golden(t, "plan-first.txt", steady(first.Out))
	if first.Code != 3 || first.Err != "" {
		t.Errorf("%+v", first)
	}
	p.refused(2, "there is nobody to ask; give --yes", "apply", "-f", policy)
	p.must("apply", "-f", policy, "--yes")

	t.Run("applied again, changes nothing", func(t *testing.T) {
		if got := p.must("apply", "-f", policy, "--yes"); got != nothing {
			t.Error(got)
		}
		if got := p.weir("diff", "-f", policy); got != (printed{Out: nothing}) {
			t.Errorf("%+v", got)
		}
	})
	t.Run("dumped, changes nothing", func(t *testing.T) {
		dump := p.must("dump", "--accounts", "--manager", "platform")
		golden(t, "dump.yaml", dump)
		p.in = p.must("dump", "--accounts")
		if got := p.must("plan", "-f", "-"); got != nothing {
			t.Error(got)
		}
	})
	changed := edited(t, "amount: 100\n", "amount: 200\n", "        mode: SOFT\n        gracePercent: 10\n", "", "cost: 20", "cost: 30", "    hidden: true\n", "",
		"tier: Basic\n    status: SUSPENDED", "tier: Visitors2", "      team: books\n", "      team: media\n", "      - kind: JWT_SUBJECT\n        value: larkspur\n", "      - kind: CERTIFICATE\n        value: spiffe://lark\n",
		"defaults:", "  - name: Visitors2\n    limits: []\ndefaults:", "  anonymousTier: Visitors\n", "", "amount: 250", "amount: 300")
	t.Run("changed, is planned field by field", func(t *testing.T) {
		got := p.weir("plan", "-f", changed)
		golden(t, "plan-changed.txt", steady(got.Out))
		if got.Code != 3 {
			t.Errorf("%+v", got)
		}
		p.must("apply", "-f", changed, "--yes")
		if got := p.must("plan", "-f", changed); got != nothing {
			t.Error(got)
		}
	})
	t.Run("reads the accounts that are named, and no others", func(t *testing.T) {
		answers := p.watched("ListDeclaredAccounts")
		p.in = "accounts:\n  - {name: Birch, tier: Basic}\n  - {name: New}\n"
		if got := p.weir("plan", "-f", "-").Out; !strings.Contains(got, "1 to create, 1 to change") {
			t.Error(got)
		}
		if got := answers(); len(got) != 1 || strings.Count(got[0], `"billingDay"`) != 1 || !strings.Contains(got[0], `"Birch"`) {
			t.Errorf("it read %q", got)
		}
		t.Setenv("WEIR_URL", "http://"+p.HTTPAddr())
	})
	t.Run("pruned, leaves what others made", func(t *testing.T) {
		p.in = "endpoints:\n  - {method: GET, template: /by/hand}\ngroups:\n  - name: By hand\n"
		p.must("apply", "-f", "-", "--yes")
		p.in = "metadata: {manager: web}\ngroups:\n  - name: Of the web\n"
		p.must("apply", "-f", "-", "--yes")
		p.in = "metadata: {manager: platform}\ntiers:\n  - name: Basic\n    limits: []\n"
		got := p.weir("plan", "-f", "-", "--prune")
		golden(t, "plan-prune.txt", steady(got.Out))
		p.must("accounts", "update", "Birch", "--default-tier")
		p.must("apply", "-f", "-", "--prune", "--yes")
		if got := p.must("plan", "-f", "-", "--prune"); got != nothing {
			t.Error(got)
		}
		left := p.must("dump")
		if !strings.Contains(left, "By hand") || !strings.Contains(left, "Of the web") || !strings.Contains(left, "/by/hand") || strings.Contains(left, "Reports") || strings.Contains(left, "Visitors") {
			t.Error(left)
		}
	})
	t.Run("with a move, takes accounts to the new version when it says", func(t *testing.T) {
		gold := func(amount int, move string) string {
			return fmt.Sprintf("tiers:\n  - name: Gold\n    move: %s\n    limits: [{name: per-day, amount: %d, period: DAY}]\naccounts:\n  - {name: Oak, tier: Gold}\n  - {name: Elm, tier: Gold}\n", move, amount)
		}
		p.in = gold(1, "{when: NONE}")
		if got := p.must("apply", "-f", "-", "--yes"); strings.Contains(got, "move") {
			t.Errorf("a new tier has nobody to move:\n%s", got)
		}
		p.in = gold(1, "{when: NOW}")
		if got := p.must("plan", "-f", "-"); got != nothing {
			t.Error(got)
		}
		for _, c := range []struct{ move, planned, versions string }{
			{"{when: NONE}", `+ move: {"when":"NONE"}`, "2: 0, 1: 2"},
			{"{when: NOW}", `+ move: {"when":"NOW"}`, "3: 2, 2: 0, 1: 0"},
			{"{when: STEPS, steps: [50, 100], stepMinutes: 60}", `+ move: {"when":"STEPS","steps":[50,100],"stepMinutes":60}`, ""},
		} {
			p.in = gold(len(c.move), c.move)
			if got := p.must("apply", "-f", "-", "--yes"); !strings.Contains(got, c.planned) {
				t.Errorf("%s is planned as\n%s", c.move, got)
			}
			if got := p.must("plan", "-f", "-"); got != nothing {
				t.Error(got)
			}
			type version struct{ Number, AccountCount int }
			var versions []version
			if err := json.Unmarshal([]byte(p.must("tiers", "versions", "Gold", "-o", "json")), &versions); err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, v := range versions {
				said = append(said, fmt.Sprintf("%d: %d", v.Number, v.AccountCount))
			}
			if got := strings.Join(said, ", "); c.versions != "" && got != c.versions {
				t.Errorf("%s leaves accounts on %s, want %s", c.move, got, c.versions)
			}
		}
		if got := p.must("tiers", "move", "Gold"); !strings.Contains(got, "to version 4  STEPS  RUNNING") {
			t.Error(got)
		}
	})
}

func TestApplyStops(t *testing.T) {
	p := open(t)
	plan := p.weir("plan", "-f", policy)
	id := planID.FindString(plan.Out)[len("Plan "):]

	t.Run("when the plan is not the one that was looked at", func(t *testing.T) {
		p.refused(1, "this is not plan "+id, "apply", "-f", edited(t, "amount: 100\n", "amount: 101\n"), "--plan", id)
		p.must("apply", "-f", policy, "--plan", id)
		stale := planID.FindString(p.weir("plan", "-f", edited(t, "amount: 100\n", "amount: 101\n")).Out)[len("Plan "):]
		p.must("apply", "-f", edited(t, "amount: 100\n", "amount: 102\n"), "--yes")
		p.refused(1, "files or policy have changed since", "apply", "-f", edited(t, "amount: 100\n", "amount: 101\n"), "--plan", stale)
	})
	t.Run("at what names nothing", func(t *testing.T) {
		p.refused(1, `policy.yaml:19: tier Basic: limits.reports.group names the group "Report", and there is none`, "plan", "-f", edited(t, "group: Reports\n        mode", "group: Report\n        mode"))
		p.refused(1, `overrides the limit "per-hour", and tier Basic has none of that name`, "plan", "-f", edited(t, "limit: per-minute", "limit: per-hour"))
		p.refused(1, `endpoint GET /v1/users/{key} is there as GET /v1/users/{id}`, "plan", "-f", edited(t, "/users/{id}", "/users/{key}"))
	})
	t.Run("at what another manager keeps", func(t *testing.T) {
		other := edited(t, "manager: platform", "manager: web")
		p.refused(1, "tier Basic is kept in the files of platform; take it out of this one, or give --take-over", "plan", "-f", other)
		p.must("apply", "-f", other, "--take-over", "--yes")
		p.refused(1, "is kept in the files of web", "plan", "-f", policy)
		p.in = "groups: [{name: A}]\n"
		p.refused(1, "give metadata.manager in one of them", "plan", "-f", "-", "--prune")
	})
	t.Run("where it fails, and says how far it came", func(t *testing.T) {
		p.in = "groups:\n  - name: New\naccounts:\n  - name: Elm\n    identities:\n      - {kind: JWT_SUBJECT, value: larkspur}\n"
		p.refused(1, "create account Elm: add the identity larkspur: value: ", "apply", "-f", "-", "--yes")
		p.refused(1, "made 0 of 1 change; after you have seen to this", "apply", "-f", "-", "--yes")
		p.in = "metadata: {manager: web}\ngroups:\n  - name: New\n"
		p.refused(1, "delete tier Basic: ", "apply", "-f", "-", "--prune", "--yes")
		p.refused(1, " of 6 changes; after", "apply", "-f", "-", "--prune", "--yes")
	})
	t.Run("when it isn't whole", func(t *testing.T) {
		p.refused(1, "has no .yaml or .yml file", "plan", "-f", t.TempDir())
		p.refused(1, "read the policy", "plan", "-f", "nowhere.yaml")
		p.refused(2, "--file", "plan")
	})
}

// documentOf draws a document that a control plane takes.
func documentOf(t *rapid.T) declare.Document {
	d := declare.Document{Metadata: declare.Metadata{Manager: "rapid"}}
	some := func(what string) bool { return rapid.Bool().Draw(t, what) }
	for i := range 3 {
		if some("group") {
			d.Groups = append(d.Groups, declare.Group{Name: fmt.Sprint("g", i)})
		}
	}
	for i := range 4 {
		if some("endpoint") {
			e := declare.Endpoint{Method: rapid.SampledFrom([]string{"GET", "*"}).Draw(t, "method"), Template: fmt.Sprintf("/%d/{id}", i), Cost: rapid.IntRange(0, 5).Draw(t, "cost")}
			if len(d.Groups) > 0 && some("grouped") {
				e.Group = rapid.SampledFrom(d.Groups).Draw(t, "group").Name
			}
			d.Endpoints = append(d.Endpoints, e)
		}
	}
	for i := range 2 {
		m := declare.Meter{Name: fmt.Sprint("m", i), Unit: rapid.SampledFrom([]string{"rows", "tokens"}).Draw(t, "unit"), Header: fmt.Sprint("x-", i), Hidden: some("hidden")}
		if len(d.Endpoints) > 0 && some("one endpoint") {
			m.Endpoint = rapid.SampledFrom(d.Endpoints).Draw(t, "endpoint").Name()
		}
		if some("meter") {
			d.Meters = append(d.Meters, m)
		}
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "tiers") {
		d.Tiers = append(d.Tiers, tierOf(t, fmt.Sprint("t", i), &d))
	}
	d.Defaults = &declare.Defaults{Tier: d.Tiers[0].Name}
	account := declare.Account{Name: "a", BillingDay: rapid.IntRange(0, 31).Draw(t, "day"), Labels: map[string]string{"k": rapid.SampledFrom([]string{"", "v", "w"}).Draw(t, "label")}, Overrides: []declare.Override{}}
	if len(d.Tiers[0].Limits) > 0 && some("override") {
		account.Overrides = append(account.Overrides, declare.Override{Limit: d.Tiers[0].Limits[0].Name, Amount: rapid.Int64Range(1, 99).Draw(t, "amount")})
	}
	d.Accounts = []declare.Account{account}
	return d
}

func tierOf(t *rapid.T, name string, d *declare.Document) declare.Tier {
	tier := declare.Tier{Name: name, Limits: []declare.Limit{}}
	names := rapid.Permutation([]string{"a", "b", "c"}).Draw(t, "order")
	for _, name := range names[:rapid.IntRange(0, 3).Draw(t, "limits")] {
		l := declare.Limit{Name: name, Amount: rapid.Int64Range(1, 1000).Draw(t, "amount"), Period: rapid.SampledFrom([]string{"HOUR", "DAY"}).Draw(t, "period")}
		l.Kind = rapid.SampledFrom([]string{"", "RATE", "WINDOW", "QUOTA"}).Draw(t, "kind")
		l.Measure = rapid.SampledFrom([]string{"", "BYTES", "COST"}).Draw(t, "measure")
		l.Mode = rapid.SampledFrom([]string{"", "SOFT", "SHADOW"}).Draw(t, "mode")
		if l.Mode == "SOFT" {
			l.GraceSeconds = rapid.IntRange(0, 60).Draw(t, "grace")
		}
		switch {
		case len(d.Endpoints) > 0 && rapid.Bool().Draw(t, "of an endpoint"):
			l.Endpoint = rapid.SampledFrom(d.Endpoints).Draw(t, "endpoint").Name()
		case len(d.Groups) > 0 && rapid.Bool().Draw(t, "of a group"):
			l.Group = rapid.SampledFrom(d.Groups).Draw(t, "group").Name
		}
		tier.Limits = append(tier.Limits, l)
	}
	tier.Move = moveOf(t)
	return tier
}

// moveOf draws when a tier's accounts come to a new version; nil leaves it out.
func moveOf(t *rapid.T) *declare.Move {
	m := &declare.Move{When: rapid.SampledFrom([]string{"", "NONE", "NOW", "PERIOD_END", "STEPS"}).Draw(t, "move")}
	switch m.When {
	case "":
		return nil
	case "STEPS":
		m.StepMinutes = rapid.IntRange(1, 43200).Draw(t, "minutes")
		m.Steps = rapid.SampledFrom([][]int{{100}, {1, 100}, {10, 50, 100}}).Draw(t, "steps")
	}
	return m
}

var moveWhen = regexp.MustCompile(`\+ move: \{"when":"([A-Z_]+)"`)

// Whatever stands in the files and whatever was there before: what was applied and
// pruned needs no further change.
func TestAnyFilesAppliedLeaveNothingToChange(t *testing.T) {
	p := open(t)
	const documents = 24
	moved := map[string]bool{}
	generator := rapid.Custom(documentOf)
	for seed := range documents {
		text, err := yaml.Marshal(generator.Example(seed))
		if err != nil {
			t.Fatal(err)
		}
		p.in = string(text)
		for _, when := range moveWhen.FindAllStringSubmatch(p.must("apply", "-f", "-", "--prune", "--yes"), -1) {
			moved[when[1]] = true
		}
		if got := p.must("plan", "-f", "-", "--prune"); got != nothing {
			t.Fatalf("%s\nleaves\n%s", text, got)
		}
	}
	if len(moved) != 4 {
		t.Errorf("of the moves only %v were made", moved)
	}
}
