package cli_test

import (
	"strings"
	"testing"
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
			BillingDay                            int
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
		p.refused(1, "timeZone: ", "accounts", "create", "Elm", "--time-zone", "Mars/Olympus")
		p.refused(1, "name: another account has this name", "accounts", "create", "Larkspur")
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
}
