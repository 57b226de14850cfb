package cli_test

import (
	"crypto/tls"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/certs/certstest"
)

func TestAccountsOnTheCommandLine(t *testing.T) {
	p := open(t)
	p.must("accounts", "create", "Larkspur Books", "--time-zone", "Europe/Berlin", "--billing-day", "15", "--label", "team=books", "--label", "cost=a=b")
	p.must("accounts", "create", "Birch & Söhne", "--tier", "Default")
	golden(t, "accounts.txt", p.must("accounts", "list"))
	golden(t, "account.txt", p.must("accounts", "get", "Larkspur Books"))

	t.Run("as JSON, NDJSON and names", func(t *testing.T) {
		type account struct {
			ID, Name, Status, TimeZone, CreatedAt string
			Labels                                []struct{ Key, Value string }
			Trial                                 any
			Tier                                  struct{ ID, Name string }
			OnDefaultTier                         bool
			BillingDay, Revision                  int
		}
		all := decoded[[]account](t, p.must("accounts", "list", "-o", "json"))
		if len(all) != 2 || all[1].Name != "Larkspur Books" || all[1].BillingDay != 15 || !all[1].OnDefaultTier || all[0].OnDefaultTier {
			t.Errorf("%+v", all)
		}
		lines := strings.Split(strings.TrimSpace(p.must("accounts", "list", "--tier", "Default", "-o", "ndjson")), "\n")
		if len(lines) != 2 || decoded[account](t, lines[0]).ID != "acc_2" {
			t.Errorf("%q", lines)
		}
		if got := p.must("accounts", "list", "--search", "lark", "-o", "name"); got != "Larkspur Books\n" {
			t.Errorf("%q", got)
		}
		if got := p.must("accounts", "list", "--label", "team", "--label", "cost=a=b", "--status", "active,closed", "-o", "name"); got != "Larkspur Books\n" {
			t.Errorf("%q", got)
		}
		if got := p.must("accounts", "list", "--search", "nobody", "-o", "json"); got != "[]\n" {
			t.Errorf("%q", got)
		}
	})
	t.Run("are changed", func(t *testing.T) {
		if got := p.must("accounts", "suspend", "acc_1"); !strings.Contains(got, "SUSPENDED") {
			t.Error(got)
		}
		if got := p.must("accounts", "activate", "Larkspur Books"); !strings.Contains(got, "ACTIVE") {
			t.Error(got)
		}
		if got := p.must("accounts", "update", "acc_1", "--name", "Larkspur", "--tier", "Default", "-o", "name"); got != "Larkspur\n" {
			t.Error(got)
		}
		p.must("accounts", "reset", "Larkspur")
		if got := p.must("accounts", "update", "Larkspur", "--no-labels"); strings.Contains(got, "team") {
			t.Error(got)
		}
		p.refused(2, "give --yes", "accounts", "close", "Larkspur")
		if got := p.must("accounts", "close", "Larkspur", "--yes"); !strings.Contains(got, "CLOSED") {
			t.Error(got)
		}
	})
	t.Run("say what is wrong", func(t *testing.T) {
		p.refused(1, `there is no account "Nobody"; weir accounts list shows all`, "accounts", "get", "Nobody")
		p.refused(1, "there is no account acc_99", "accounts", "get", "acc_99")
		p.refused(1, "weir: --time-zone: ", "accounts", "create", "Elm", "--time-zone", "Mars/Olympus")
		p.refused(1, "weir: <name>: another account has this name", "accounts", "create", "Larkspur")
		p.refused(1, `there is no tier "Gold"`, "accounts", "create", "Elm", "--tier", "Gold")
		p.refused(2, "nothing is to be changed", "accounts", "update", "acc_1")
		p.refused(2, "--output must be one of", "accounts", "list", "-o", "xml")
		p.refused(2, "weir accounts get --help", "accounts", "get")
		p.refused(2, "can't be used together", "accounts", "update", "acc_1", "--tier", "Default", "--default-tier")
	})
}

func TestKeysOnTheCommandLine(t *testing.T) {
	p := open(t)
	p.must("accounts", "create", "Birch")
	made := p.weir("keys", "create", "Birch", "ci", "--reads-only", "--sandbox")
	if made.Code != 0 || !strings.HasPrefix(made.Out, "wk_test_") || strings.Count(made.Out, "\n") != 1 || made.Err != "key_1 \"ci\" is made\n" {
		t.Errorf("%+v", made)
	}
	golden(t, "keys.txt", p.must("keys", "list", "acc_1"))
	rotated := p.weir("keys", "rotate", "ci", "--account", "Birch", "--overlap", "1h")
	if rotated.Code != 0 || !strings.HasPrefix(rotated.Out, "wk_test_") || !strings.HasPrefix(rotated.Err, "key_2 takes the place of key_1, which goes on until ") {
		t.Errorf("%+v", rotated)
	}
	p.refused(1, `several keys "ci": key_2, key_1; give the id`, "keys", "revoke", "ci", "--account", "Birch")
	p.refused(2, "give its --account", "keys", "revoke", "ci")
	p.must("keys", "revoke", "key_1")
	p.must("keys", "revoke", "ci", "--account", "Birch")
	p.refused(1, `has no key "ci" that is not revoked`, "keys", "revoke", "ci", "--account", "Birch")
	if got := p.must("keys", "list", "Birch", "-o", "name"); got != "key_2\nkey_1\n" {
		t.Errorf("%q", got)
	}
}

func TestTiersOnTheCommandLine(t *testing.T) {
	p := open(t)
	golden(t, "tiers.txt", p.must("tiers", "list")+"\n"+p.must("tiers", "get", "Default"))
	p.refused(1, `there is no tier "Gold"; weir tiers list shows all`, "tiers", "get", "Gold")
}

// unmatched has requests to paths that no endpoint matches, each one more than the next.
func (p *plane) unmatched(paths ...string) {
	p.t.Helper()
	var kept []controlplane.UnmatchedPath
	for i, path := range paths {
		method, path, _ := strings.Cut(path, " ")
		kept = append(kept, controlplane.UnmatchedPath{Method: method, Path: path, Requests: int64(len(paths) - i)})
	}
	if err := p.DB().KeepUnmatched(p.t.Context(), kept); err != nil {
		p.t.Fatal(err)
	}
}

func TestEndpointsThatTrafficSuggestsOnTheCommandLine(t *testing.T) {
	p := open(t)
	if got := p.must("endpoints", "suggest", "-o", "json"); got != "[]\n" {
		t.Error(got)
	}
	if got := p.must("endpoints", "suggest", "--all", "-o", "json"); got != "[]\n" {
		t.Error(got)
	}
	p.unmatched("GET /v1/users/7", "POST /v1/orders", "GET /v1/orders/8", "DELETE /v1/orders/9")
	golden(t, "suggestions.txt", p.must("endpoints", "suggest"))
	type suggestion struct {
		Method, Template    string
		Requests, PathCount int64
		Share               float64
		Examples            []string
		LastSeenAt          string
	}
	all := decoded[[]suggestion](t, p.must("endpoints", "suggest", "-o", "json"))
	if len(all) != 4 || all[0].Template != "/v1/users/{userId}" || all[0].Share != 0.4 || all[0].Examples[0] != "/v1/users/7" {
		t.Errorf("%+v", all)
	}
	p.refused(1, `traffic does not suggest "GET /v1/nothing"; weir endpoints suggest lists`, "endpoints", "suggest", "--accept", "POST /v1/orders", "--accept", "GET /v1/nothing")
	p.refused(1, "weir: --cost: ", "endpoints", "suggest", "--accept", "POST /v1/orders", "--cost", "0")
	p.refused(2, "can't be used together", "endpoints", "suggest", "--all", "--accept", "POST /v1/orders")
	p.refused(2, "there is nobody to ask; give --yes", "endpoints", "suggest", "--all")
	if got := p.must("endpoints", "list", "-o", "name"); got != "" {
		t.Errorf("what was refused makes %s", got)
	}
	some := p.weir("endpoints", "suggest", "--accept", "POST  /v1/orders", "--accept", "GET /v1/users/{userId}", "--cost", "3")
	if some.Code != 0 || !strings.HasPrefix(some.Err, "made 2 endpoints, counted from snapshot ") {
		t.Errorf("%+v", some)
	}
	p.must("endpoints", "suggest", "--all", "--yes")
	golden(t, "endpoints.txt", some.Out+"\n"+p.must("endpoints", "list"))
	if got := p.must("endpoints", "suggest", "-o", "name"); got != "" {
		t.Errorf("what was made is suggested again: %s", got)
	}
}

func TestVersionsAndMovesOnTheCommandLine(t *testing.T) {
	p := open(t)
	for _, name := range []string{"Birch", "Oak"} {
		p.must("accounts", "create", name, "--tier", "Default")
	}
	p.refused(1, `no accounts of the tier "Default" have been on the move`, "tiers", "move", "Default")
	p.refused(1, "draft of this tier", "tiers", "publish", "Default", "--move", "now")
	p.refused(1, `the tier "Default" has no draft; give --version or --set`, "tiers", "preview", "Default")
	p.refused(1, `the tier "Default" has no version 9`, "tiers", "preview", "Default", "--version", "9")
	p.refused(2, "--version and --set can't be used together", "tiers", "preview", "Default", "--version", "1", "--set", "per-minute=1")
	if got := p.must("tiers", "preview", "Default", "--set", "per-minute=1", "--last", "1h"); !strings.Contains(got, "requests throttled: 0 of 0 (today 0, really 0)") {
		t.Errorf("a preview says %q", got)
	}
	if got := p.must("tiers", "preview", "Default", "--version", "1", "-o", "json"); !strings.Contains(got, `"surelyToday": 0`) {
		t.Errorf("a preview says %q", got)
	}
	p.refused(2, "--every takes whole minutes", "tiers", "publish", "Default", "--move", "steps", "--steps", "50,100", "--every", "90s")
	published := p.weir("tiers", "publish", "Default", "--from-version", "1", "--note", "again", "--move", "steps", "--steps", "50,100", "--every", "1h")
	if published.Code != 0 || !strings.HasPrefix(published.Err, "version 2 of Default is current from snapshot ") {
		t.Errorf("%+v", published)
	}
	for _, change := range [][]string{{"pause"}, nil} {
		if got := p.must(append([]string{"tiers", "move", "Default"}, change...)...); !strings.Contains(got, "to version 2  STEPS  PAUSED") {
			t.Errorf("%s: %s", change, got)
		}
	}
	if got := p.must("tiers", "move", "Default", "resume"); !strings.Contains(got, "RUNNING") || !strings.Contains(got, "next at ") {
		t.Error(got)
	}
	if got := p.must("tiers", "move", "Default", "turn-back"); !strings.Contains(got, "TURNED_BACK") && !strings.Contains(got, "RUNNING") {
		t.Error(got)
	}
	if got := p.must("tiers", "versions", "Default"); !strings.Contains(got, "again") || len(strings.Split(strings.TrimSpace(got), "\n")) != 3 {
		t.Error(got)
	}
	pending := p.weir("accounts", "move", "Oak", "Default", "--when", "period-end")
	if pending.Code != 0 || !strings.HasPrefix(pending.Err, "Oak moves to Default version 2 at ") {
		t.Errorf("%+v", pending)
	}
	if kept := p.weir("accounts", "stay", "Oak"); kept.Code != 0 || !strings.HasPrefix(kept.Err, "Oak stays on Default version ") {
		t.Errorf("%+v", kept)
	}
	if moved := p.weir("accounts", "move", "Birch", "tier_1"); moved.Code != 0 || !strings.HasPrefix(moved.Err, "Birch is on Default version 2 from snapshot ") {
		t.Errorf("%+v", moved)
	}
}

func TestWhoAsksIsChecked(t *testing.T) {
	p := open(t)
	t.Setenv("WEIR_API_TOKEN", "wt_of_nobody_at_all_that_is_known_here")
	p.refused(1, "does not know the API token", "accounts", "list")
	t.Setenv("WEIR_API_TOKEN", "")
	p.refused(1, "there is no API token; set WEIR_API_TOKEN", "accounts", "list")
	t.Setenv("WEIR_API_TOKEN", p.token)
	p.refused(1, "anybody on the way could read the API token", "accounts", "list", "--url", "http://weir.example")
	p.refused(1, "is no URL of a control plane", "accounts", "list", "--url", "weir.example")
	p.refused(1, "reach the control plane at http://127.0.0.1:1", "accounts", "reset", "acc_1", "--url", "http://127.0.0.1:1")
	p.refused(1, "connection refused; asked again in ", "accounts", "list", "--url", "http://127.0.0.1:1")

	t.Run("and who answers, too", func(t *testing.T) {
		dir := t.TempDir()
		own, other := certstest.New(t, dir, "own"), certstest.New(t, dir, "other")
		pair, err := tls.LoadX509KeyPair(own.Issue("server"))
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(p.proxy())
		server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
		server.StartTLS()
		defer server.Close()
		p.must("tiers", "list", "--url", server.URL, "--ca", own.File)
		p.refused(1, "signed by none of those in "+other.File, "tiers", "list", "--url", server.URL, "--ca", other.File)
		t.Setenv("WEIR_CA", own.File)
		p.must("tiers", "list", "--url", server.URL)
		t.Setenv("WEIR_CA", "")
		p.refused(1, "give the certificate of who signed it with --ca or WEIR_CA", "tiers", "list", "--url", server.URL)
	})
}
