package cli_test

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane/cli"
	"github.com/weirhq/weir/plugin/wire"
)

func TestRolloutIsWaitedFor(t *testing.T) {
	p := open(t)
	p.refused(1, "no Envoy was heard from within 50ms", "rollout", "--wait", "--within", "50ms")
	state, err := p.DB().PolicyState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	report := func(sequence, snapshot uint64) {
		t.Helper()
		if err := p.DB().SeeWorker(t.Context(), &wire.Batch{Source: wire.SourceID{1}, Sequence: sequence, Node: "edge-1", Snapshot: snapshot}); err != nil {
			t.Fatal(err)
		}
	}
	report(1, state.Version-1)
	p.refused(1, "is on 0 of 1 worker; behind: edge-1", "rollout", "--wait", "--within", "50ms")
	report(2, state.Version)
	got := p.weir("rollout", "--wait", "-o", "name")
	if got.Code != 0 || got.Out != "edge-1\n" || !strings.Contains(got.Err, "is on 1 of 1 worker") {
		t.Errorf("%+v", got)
	}
}

func TestAuditIsListed(t *testing.T) {
	p := open(t)
	p.must("accounts", "create", "Birch")
	p.must("accounts", "suspend", "Birch")
	golden(t, "audit.txt", p.must("audit", "list", "--object", "acc_1"))
	if got := p.must("audit", "list", "--action", "CREATE_ACCOUNT", "-o", "name"); strings.Count(got, "\n") != 1 {
		t.Error(got)
	}
	p.refused(2, `--action: there is no action "NOPE"; there are ACCEPT`, "audit", "list", "--action", "CREATE_ACCOUNT,NOPE")
	p.refused(2, "--first", "audit", "list", "--first", "900")
}

func TestShellsCompleteCommands(t *testing.T) {
	p := &plane{t: t, token: "none"}
	for line, want := range map[string][]string{
		"weir acc":                     {"accounts"},
		"weir accounts ":               {"list", "create", "suspend"},
		"weir usage --b":               {"--by"},
		"weir accounts list --output ": {"table", "json", "ndjson", "name"},
	} {
		t.Setenv("COMP_LINE", line)
		got := p.weir("completion")
		for _, word := range want {
			if !strings.Contains("\n"+got.Out, "\n"+word+"\n") {
				t.Errorf("%q is completed with %q, without %s", line, got.Out, word)
			}
		}
	}
	t.Setenv("COMP_LINE", "")
	for shell, want := range map[string]string{"bash": "complete -o default", "zsh": "bashcompinit", "fish": "complete -f -c weir"} {
		if got := p.weir("completion", "-c", shell); got.Code != 0 || !strings.Contains(got.Out, want) {
			t.Errorf("%s: %+v", shell, got)
		}
	}
}

func TestApplyAsksFirst(t *testing.T) {
	p := open(t)
	p.asked = true
	p.in = "no\n"
	p.refused(1, "nothing was done", "apply", "-f", policy)
	p.in = "yes\n"
	if got := p.weir("apply", "-f", policy); got.Code != 0 || !strings.Contains(got.Err, "made 9 changes") {
		t.Errorf("%+v", got)
	}
}

func TestCountsAreGroupedAndInTheRightNumber(t *testing.T) {
	for n, want := range map[int64]string{0: "0 rows", 1: "1 row", 999: "999 rows", 1000: "1,000 rows", 1234567: "1,234,567 rows"} {
		if got := cli.Counted(n, "row"); got != want {
			t.Errorf("%d becomes %s", n, got)
		}
	}
}
