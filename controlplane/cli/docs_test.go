package cli_test

import (
	"os"
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
	t.Chdir(t.TempDir())
	_, policy, _ := strings.Cut(string(text), "```yaml\n")
	policy, _, _ = strings.Cut(policy, "```")
	if err := os.WriteFile("policy.yaml", []byte(policy), 0o600); err != nil {
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
