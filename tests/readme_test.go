package tests

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/tests/internal/stack"
)

// provedElsewhere are the README's commands that this test can't run, because it
// is a part of them.
var provedElsewhere = map[string]string{
	"make run":  "what it starts is tested by TestDev…",
	"make test": "runs this",
}

// volatile is what differs from one run of a command to the next.
var volatile = regexp.MustCompile(`(?m)^date: .*$|^x-envoy-upstream-service-time: \d+$|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// TestTheReadmesCommandsDoWhatItSays runs every command of the README, in order,
// and compares what it prints with what stands there.
func TestTheReadmesCommandsDoWhatItSays(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	s := stack.Start(t, databases.New(t), stack.Options{})
	s.AwaitSnapshot()
	here := strings.NewReplacer(
		"http://127.0.0.1:10000", s.Gateway, "http://127.0.0.1:8080", "http://"+s.Config.HTTPAddr,
		"$(cat .weir/api-token)", s.Token,
		"build/weir", "../build/weir")
	t.Setenv("WEIR_URL", "http://"+s.Config.HTTPAddr)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	ran := 0
	for _, c := range commandsOf(string(readme)) {
		if provedElsewhere[c.line] != "" {
			continue
		}
		ran++
		run := func() string {
			out, err := exec.CommandContext(t.Context(), "sh", "-c", here.Replace(c.line)).Output()
			if err != nil {
				t.Fatalf("%s: %v\n%s", c.line, err, out)
			}
			return steady(string(out))
		}
		if strings.Contains(c.line, "/graphql") {
			s.Eventually(c.line, func() bool { return run() == steady(c.output) })
			continue
		}
		if diff := cmp.Diff(steady(c.output), run()); diff != "" {
			t.Errorf("%s (-README +printed):\n%s", c.line, diff)
		}
	}
	if ran < 4 {
		t.Errorf("ran only %d commands", ran)
	}
}

type command struct{ line, output string }

// commandsOf returns the commands of the console blocks, with their output.
func commandsOf(markdown string) (commands []command) {
	inside := false
	for line := range strings.Lines(markdown) {
		switch text, isCommand := strings.CutPrefix(line, "$ "); {
		case strings.HasPrefix(line, "```"):
			inside = line == "```console\n"
		case inside && isCommand:
			commands = append(commands, command{line: strings.TrimSpace(text)})
		case inside:
			commands[len(commands)-1].output += line
		}
	}
	return commands
}

func steady(output string) string {
	return strings.TrimSpace(volatile.ReplaceAllString(strings.ReplaceAll(output, "\r", ""), "…"))
}
