package app_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/plugin/wire"
)

// liveDocs are docs/subscriptions.md, read by a control plane with the usage that
// stands there.
type liveDocs struct {
	*plane
	text string
	dir  string // where its commands run
}

func readLiveDocs(t *testing.T) *liveDocs {
	t.Helper()
	text, err := os.ReadFile("../../docs/subscriptions.md")
	if err != nil {
		t.Fatal(err)
	}
	d := &liveDocs{plane: open(t), dir: t.TempDir()}
	d.text = strings.NewReplacer("127.0.0.1:8080", d.HTTPAddr()).Replace(string(text))
	if err := os.Mkdir(filepath.Join(d.dir, ".weir"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, ".weir", "api-token"), []byte(d.token), 0o600); err != nil {
		t.Fatal(err)
	}
	d.post(usageBatch(1, 7, 5, wire.Allowed))
	d.post(usageBatch(2, 7, 3, wire.Throttled))
	s := d.socket(d.bearer())
	s.send("subscribe", "1", liveQuery)
	s.awaitUsage(func(u liveTotals) bool { return u.Requests == 8 })
	return d
}

// blocks returns the blocks of code in a language.
func (d *liveDocs) blocks(language string) (blocks []string) {
	d.t.Helper()
	for _, rest := range strings.Split(d.text, "```"+language+"\n")[1:] {
		block, _, _ := strings.Cut(rest, "```")
		blocks = append(blocks, block)
	}
	if len(blocks) == 0 {
		d.t.Fatalf("docs/subscriptions.md has no %s", language)
	}
	return blocks
}

// first runs a command and returns the first line that it prints.
func (d *liveDocs) first(line string) string {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), "sh", "-c", "exec env "+line) // so that killing it ends it
	if strings.Contains(line, "|") {
		cmd = exec.CommandContext(d.t.Context(), "sh", "-c", line)
	}
	cmd.Dir = d.dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	printed, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		d.t.Fatalf("%s: %v\n%s", line, err, &stderr)
	}
	_ = cmd.Process.Kill() // one that goes on
	_ = cmd.Wait()
	return printed
}

func TestTheCommandsOfTheSubscriptionDocsPrintWhatStandsThere(t *testing.T) {
	d := readLiveDocs(t)
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(string(top), "frontend", "node_modules"), filepath.Join(d.dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "follow.mjs"), []byte(d.blocks("js")[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, block := range d.blocks("console") {
		line, want, _ := strings.Cut(block, "\n")
		if diff := cmp.Diff(want, d.first(strings.TrimPrefix(line, "$ "))); diff != "" {
			t.Errorf("%s (-docs +printed):\n%s", line, diff)
		}
	}
}

func TestTheMessagesOfTheSubscriptionDocsAreAnswered(t *testing.T) {
	d := readLiveDocs(t)
	blocks := d.blocks("json")
	s := d.bare(d.bearer())
	for line := range strings.Lines(blocks[0]) {
		if err := s.WriteMessage(1, []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(blocks[1]) {
		var got, want map[string]any
		if err := s.ReadJSON(&got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-docs +answered):\n%s", diff)
		}
	}
}
