package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/stream/streamtest"
)

// TestTheCommandsBackUpAndRestore runs the commands of docs/operations.md.
func TestTheCommandsBackUpAndRestore(t *testing.T) {
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	top, err := checkout.Find(".")
	if err != nil {
		t.Fatal(err)
	}
	old, fresh, dir := databases.New(t), databases.New(t), t.TempDir()
	conn, err := pgx.Connect(t.Context(), fresh)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `drop schema public cascade; create schema public`); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	run := func(line string) (string, error) {
		command := exec.CommandContext(t.Context(), "sh", "-c", strings.NewReplacer("weir backup", top.Command()+" backup",
			"weir restore", top.Command()+" restore", "postgres://…", "'"+fresh+"'").Replace(line))
		command.Dir, command.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "DATABASE_URL=" + old}
		out, err := command.CombinedOutput()
		return string(out), err
	}
	var lines []string
	for _, c := range commandsOf(string(text)) {
		out, err := run(c.line)
		if err != nil {
			t.Fatalf("%s: %v\n%s", c.line, err, out)
		}
		lines = append(lines, c.line)
	}
	if len(lines) != 2 {
		t.Fatalf("the document has the commands %q", lines)
	}
	db, err := postgres.Open(t.Context(), fresh)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	page, err := db.Accounts(t.Context(), controlplane.AccountFilter{}, controlplane.AccountOrder{}, 0, 10)
	if err != nil || len(page.Accounts) != 3 {
		t.Errorf("%d accounts were restored, want the demo's 3; %v", len(page.Accounts), err)
	}
	if info, err := os.Stat(filepath.Join(dir, "weir.backup")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	// It is ready once it has a policy for filters, without anybody's edit.
	startPlane(t, fresh, streamtest.Start(t, streamtest.Options{}).URL()).awaitReady()
	for i, want := range []string{"exists already", "holds accounts or usage already"} {
		if out, err := run(lines[i]); err == nil || !strings.Contains(out, want) {
			t.Errorf("%s once more: %v\n%s", lines[i], err, out)
		}
	}
}
