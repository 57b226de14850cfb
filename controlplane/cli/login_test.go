package cli_test

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLoginKeepsATokenForOnePlace(t *testing.T) {
	p := open(t)
	url := os.Getenv("WEIR_URL")
	p.in = p.token + "\n"
	t.Setenv("WEIR_API_TOKEN", "")
	p.must("login", "--url", url+"/")
	path := filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "weir", "profiles.json")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	t.Setenv("WEIR_URL", "")
	p.must("tiers", "list")

	t.Run("and not for another", func(t *testing.T) {
		p.refused(1, "there is no API token", "tiers", "list", "--url", "http://127.0.0.1:1")
	})
	t.Run("that others can't read", func(t *testing.T) {
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		p.refused(1, "others may read it; run chmod 600", "tiers", "list")
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("until it is forgotten", func(t *testing.T) {
		p.refused(1, `there is no profile "other"`, "tiers", "list", "--profile", "other")
		p.must("logout")
		p.refused(1, "there is no API token", "tiers", "list", "--url", url)
	})
	t.Run("unless it is wrong", func(t *testing.T) {
		p.in = "wt_nobody_has_such_a_token_in_this_place\n"
		p.refused(1, "does not know the API token", "login", "--url", url)
	})
}
