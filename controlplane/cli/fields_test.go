package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// inputs are command lines that give everything that each command takes, and hence send
// every field of the API that it can. Commands that are not here take no input of the
// API's.
var inputs = map[string][]string{
	"accounts list":     {"--search=a", "--tier=Default", "--status=active", "--label=a=b"},
	"accounts get":      {"acc_1"},
	"accounts create":   {"Elm", "--tier=Default", "--time-zone=UTC", "--billing-day=2", "--label=a=b"},
	"accounts update":   {"acc_1", "--name=Oak", "--tier=Default", "--time-zone=UTC", "--billing-day=2", "--label=a=b"},
	"accounts suspend":  {"acc_1"},
	"accounts activate": {"acc_1"},
	"accounts close":    {"acc_1", "--yes"},
	"accounts reset":    {"acc_1"},
	"accounts move":     {"acc_1", "Default", "--when=period-end"},
	"accounts stay":     {"acc_1"},
	"keys list":         {"acc_1"},
	"keys create":       {"acc_1", "k", "--sandbox", "--reads-only", "--endpoint=GET /a", "--expires=2099-01-01T00:00:00Z"},
	"keys rotate":       {"key_9", "--overlap=48h", "--expires=2099-01-01T00:00:00Z"},
	"keys revoke":       {"key_9"},
	"tiers versions":    {"Default"},
	"tiers preview":     {"Default", "--set=per-minute=5", "--account=acc_1", "--from=2026-01-01", "--to=2026-01-02", "--top=3"},
	"tiers publish":     {"Default", "--from-version=1", "--note=n", "--move=steps", "--steps=50,100", "--every=1h"},
	"tiers move":        {"Default", "stop"},
	"pilot start":       {"Default", "--name=p", "--percent=5", "--account=acc_1", "--set=per-minute=5"},
	"pilot change":      {"Piloted", "--percent=6", "--account=acc_1"},
	"pilot end":         {"Piloted"},
	"pilot promote":     {"Piloted", "--move=steps", "--steps=50,100", "--every=1h", "--note=n"},
	"pilot show":        {"Piloted"},
	"endpoints import":  {"-", "--source=s", "--base-path=/v1", "--group-by-tag", "--delete-missing", "--only=GET /a", "--dry-run"},
	"usage":             {"--from=2026-01-01", "--to=2026-01-02", "--by=hour", "--group=account", "--account=acc_1", "--endpoint=GET /a", "--tier=Default", "--key=key_1", "--status=200", "--decision=ALLOWED", "--top=5", "--time-zone=UTC"},
	"export":            {"--from=2026-01-01", "--to=2026-01-02", "--by=hour", "--group=account", "--account=acc_1", "--endpoint=GET /a", "--tier=Default", "--key=key_1", "--status=200", "--decision=ALLOWED", "--time-zone=UTC"},
	"import":            {"-", "--format=csv", "--reason=r"},
	"audit list":        {"--first=5", "--action=UPDATE_TIER", "--actor=tok_1", "--object=tier_1", "--text=a", "--from=2026-01-01T00:00:00Z", "--to=2026-01-02T00:00:00Z"},
}

// without are the commands that take none, or whose input is in files.
var without = []string{
	"tiers list", "tiers get", "endpoints list", "plan", "apply", "dump", "schema", "rollout", "login", "logout", "completion",
	// It takes what traffic suggests, of which there is none here.
	"endpoints suggest",
}

// faulty is a control plane that refuses one field of the last request that it is asked:
// of a call's variables, or of a query string.
type faulty struct {
	next   http.Handler
	refuse string // a field; empty: none
	last   string // the operation or the path of the last request
	fields map[string]bool
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var call struct {
		OperationName string
		Variables     any
	}
	if r.URL.Path == "/graphql" && json.Unmarshal(body, &call) == nil {
		if f.refuse == "" {
			f.last, f.fields = call.OperationName, map[string]bool{}
			leaves(call.Variables, "", f.fields)
		} else if call.OperationName == f.last {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"errors":[{"message":"refused","extensions":{"code":"VALIDATION","field":%q}}]}`, f.refuse)
			return
		}
	} else if f.refuse == "" {
		f.last, f.fields = r.URL.Path, map[string]bool{}
		for name := range r.URL.Query() {
			f.fields[name] = true
		}
	} else if r.URL.Path == f.last {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"title":"no","errors":[{"field":%q,"message":"refused"}]}`, f.refuse)
		return
	}
	f.next.ServeHTTP(w, r)
}

// leaves gathers the paths of what a value has, and of what those are in.
func leaves(value any, path string, all map[string]bool) {
	if path != "" {
		all[path] = true
	}
	below := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	switch v := value.(type) {
	case map[string]any:
		for name, field := range v {
			leaves(field, below(name), all)
		}
	case []any:
		for i, field := range v {
			leaves(field, below(strconv.Itoa(i)), all)
		}
	}
}

// Whatever field the API refuses, the error names the flag or the argument that gave it.
func TestErrorsNameWhatWasTyped(t *testing.T) {
	p := open(t)
	p.in = "endpoints: [{method: GET, template: /a}]\naccounts: [{name: Birch}, {name: Fir, tier: Piloted}]\n" +
		"tiers:\n  - {name: Piloted, limits: [{name: per-minute, amount: 1, period: MINUTE}]}\n  - {name: Default, limits: [{name: per-minute, amount: 1, period: MINUTE}]}\n"
	p.must("apply", "-f", "-", "--yes")
	p.must("pilot", "start", "Piloted", "--name", "p", "--percent", "50", "--set", "per-minute=2")
	p.must("tiers", "publish", "Default", "--from-version", "1", "--move", "steps", "--steps", "50,100", "--every", "1h")
	p.in = "client_id,at,account,requests\n"

	parser, err := kong.New(&commands{}, kong.Vars{"default_url": ""})
	if err != nil {
		t.Fatal(err)
	}
	proxy := &faulty{next: p.proxy()}
	server := httptest.NewServer(proxy)
	defer server.Close()
	t.Setenv("WEIR_URL", server.URL)
	seen := 0
	for _, leaf := range parser.Model.Leaves(true) {
		name, _, _ := strings.Cut(strings.TrimPrefix(leaf.FullPath(), parser.Model.Name+" "), " (") // an alias
		line, ok := inputs[name]
		if !ok {
			if !slices.Contains(without, name) {
				t.Errorf("weir %s is not tested for the names in its errors", name)
			}
			continue
		}
		seen++
		args := append(strings.Fields(name), line...)
		proxy.refuse = ""
		p.weir(args...)
		fields := slices.Sorted(maps.Keys(proxy.fields))
		for _, field := range fields {
			if slices.Contains([]string{"input", "filter", "input.filter", "after", "input.orderBy"}, field) || field == "first" && !strings.Contains(strings.Join(args, " "), "--first") {
				continue // of these the API complains in what is below them, or never: they are the command's own
			}
			proxy.refuse = field
			got := p.weir(args...)
			said := strings.TrimPrefix(strings.SplitN(got.Err, "\n", 2)[0], "weir: ")
			if named, _, _ := strings.Cut(said, ": refused"); got.Code != 1 || !strings.HasPrefix(named, "--") && !strings.HasPrefix(named, "<") {
				t.Errorf("weir %s: of %s of %s it says %q", name, field, proxy.last, got.Err)
			}
		}
	}
	if seen != len(inputs) {
		t.Errorf("%d of %d commands are there", seen, len(inputs))
	}
}

func TestErrorsNameTheFlagThatWasGiven(t *testing.T) {
	p := open(t)
	p.must("accounts", "create", "Birch")
	for said, args := range map[string][]string{
		"--billing-day: ": {"accounts", "create", "Elm", "--billing-day", "77"},
		"--time-zone: ":   {"accounts", "update", "Birch", "--time-zone", "Nowhere"},
		"<name>: ":        {"accounts", "create", " "},
		"--label: ":       {"accounts", "create", "Elm", "--label", "A b=c"},
		"--from: ":        {"usage", "--from", "2020-01-01", "--by", "minute"},
		"--last: ":        {"usage", "--last", "400d", "--by", "minute"},
		"--key: ":         {"export", "--key", "acc_7"},
		"--expires: ":     {"keys", "create", "Birch", "k", "--expires", "2020-01-01T00:00:00Z"},
		"--overlap: ":     {"keys", "rotate", "key_1", "--overlap", "9000h"},
	} {
		if got := p.weir(args...); got.Code != 1 || !strings.HasPrefix(got.Err, "weir: "+said) {
			t.Errorf("weir %v says %q, want %s", args, got.Err, said)
		}
	}
	for said, file := range map[string]string{
		"limits.per-minute.endpoint: ": "tiers: [{name: Gold, limits: [{name: per-day, amount: 1, period: DAY}, {name: per-minute, amount: 1, period: MINUTE}]}]\n",
		"billingDay: ":                 "accounts: [{name: Elm}]\n",
		"labels.team: ":                "accounts: [{name: Elm, labels: {area: x, team: a}}]\n",
		"metadata.manager: ":           "metadata: {manager: web}\ngroups: [{name: G}]\n",
		"group: ":                      "endpoints: [{method: GET, template: /a}]\n",
	} {
		field := map[string]string{
			"limits.per-minute.endpoint: ": "limits.1.endpointId", "billingDay: ": "input.billingDay", "labels.team: ": "labels.1.value", "metadata.manager: ": "manager", "group: ": "groupId",
		}[said]
		proxy := &faulty{next: p.proxy()}
		server := httptest.NewServer(proxy)
		defer server.Close()
		p.in = file
		proxy.refuse, proxy.last = field, map[string]string{"tie": "CreateTier", "acc": "CreateAccount", "met": "CreateEndpointGroup", "end": "CreateEndpoint"}[file[:3]]
		if got := p.weir("apply", "-f", "-", "--yes", "--url", server.URL); got.Code != 1 || !strings.Contains(got.Err, ": "+said+"refused") {
			t.Errorf("of %s apply says %q, want %s", field, got.Err, said)
		}
	}
}
