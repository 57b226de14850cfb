package cli_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var words = regexp.MustCompile(`(?:"[^"]*"|[^\s"])+`)

// The commands of docs/cli.md work one after the other, with its policy.
func TestTheCommandsOfTheDocsWork(t *testing.T) {
	text, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	p := open(t)
	p.unmatched("GET /v1/users/7", "GET /v1/orders/8")
	t.Chdir(t.TempDir())
	_, policy, _ := strings.Cut(string(text), "```yaml\n")
	policy, _, _ = strings.Cut(policy, "```")
	if err := os.WriteFile("policy.yaml", []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("openapi.yaml", []byte(petsDocument), 0o600); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, block := range strings.Split(string(text), "```sh\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for line := range strings.Lines(block) {
			command, found := strings.CutPrefix(strings.TrimSpace(line), "weir ")
			if !found {
				continue
			}
			ran++
			p.in = p.token
			command = strings.TrimSuffix(strings.ReplaceAll(command, "https://weir.example", os.Getenv("WEIR_URL")), " < token")
			command, file, toFile := strings.Cut(command, " > ")
			var args []string
			for _, word := range words.FindAllString(command, -1) {
				args = append(args, strings.ReplaceAll(word, `"`, ""))
			}
			out := p.must(args...)
			if toFile && out == "" {
				t.Errorf("weir %s writes nothing", command)
			}
			if toFile {
				if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if ran < 20 {
		t.Errorf("ran only %d commands", ran)
	}
}

// The examples do their job, and find an account that is there already.
func TestTheExamplesWork(t *testing.T) {
	text, err := os.ReadFile("../../examples/README.md")
	if err != nil {
		t.Fatal(err)
	}
	p := open(t)
	_, block, _ := strings.Cut(string(text), "```sh\n")
	block, _, _ = strings.Cut(block, "```")
	ran := 0
	for line := range strings.Lines(block) {
		ran++
		run := exec.CommandContext(t.Context(), "sh", "-c", line)
		run.Dir = "../.."
		var errs strings.Builder
		run.Stderr = &errs
		secret, err := run.Output()
		if err != nil || !strings.HasPrefix(string(secret), "wk_live_") || strings.Count(string(secret), "\n") != 1 || errs.String() != "Larkspur Books (acc_1) used 0 requests in 30 days\n" {
			t.Errorf("%s%s%s, %v; it needs what apt-get install curl jq python3 installs", line, secret, errs.String(), err)
		}
		t.Setenv("WEIR_API_TOKEN", "wt_nobody_has_such_a_token_in_this_place")
		run = exec.CommandContext(t.Context(), "sh", "-c", line)
		run.Dir = "../.."
		if said, err := run.CombinedOutput(); err == nil || !strings.Contains(string(said), "token") {
			t.Errorf("%s says %s, %v for an unknown token", line, said, err)
		}
		t.Setenv("WEIR_API_TOKEN", p.token)
	}
	if keys := p.must("keys", "list", "Larkspur Books", "-o", "name"); ran != 3 || strings.Count(keys, "\n") != ran {
		t.Errorf("%d examples made the keys %q", ran, keys)
	}
}
