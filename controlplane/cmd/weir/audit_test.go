package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/cli"
	"github.com/weirhq/weir/controlplane/embedded/pgtest"
	"github.com/weirhq/weir/controlplane/postgres"
)

var databases = pgtest.Databases{Migrate: pgtest.Migrate}

func TestMain(m *testing.M) { os.Exit(databases.Run(m)) }

// audited is a database with some changes in its audit log, which commands find.
func audited(t *testing.T) *postgres.DB {
	t.Helper()
	url := databases.New(t)
	t.Setenv("DATABASE_URL", url)
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	ctx := controlplane.WithActor(t.Context(), controlplane.Actor{Kind: controlplane.ActorToken, ID: 2, Name: "deploy \u2028 \U0001f600", RequestID: "r-1"})
	account, _, err := db.CreateAccount(ctx, controlplane.NewAccount{Name: `Ärger & <"Söhne"\>` + "\u007f", TimeZone: "UTC", BillingDay: 1})
	if err != nil {
		t.Fatal(err)
	}
	correction := controlplane.NewCorrection{
		Kind: controlplane.KindAdjustment, ClientID: "a", AccountID: account.ID, At: time.Now().Add(-time.Hour), Requests: -controlplane.MaxCorrection, Reason: "test",
	}
	if _, err := db.Correct(ctx, []controlplane.NewCorrection{correction}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.ResetAccount(t.Context(), account.ID); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestAuditVerifySaysWhatItFound(t *testing.T) {
	db := audited(t)
	head, err := db.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page, err := db.AuditLog(t.Context(), audit.Filter{}, 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	first := page.Records[2].Place()
	lost := "9:" + head.Hash.String()
	for name, c := range map[string]struct {
		command auditVerifyCommand
		want    string
		whole   bool
	}{
		"all of it":                {auditVerifyCommand{From: 1}, "3 records, chain whole, head " + head.String(), true},
		"from an anchor on":        {auditVerifyCommand{From: 4, Anchor: []string{head.String()}}, "0 records, chain whole, head " + head.String(), true},
		"what an anchor had more":  {auditVerifyCommand{From: 1, Anchor: []string{lost}}, "3 records, chain broken at record 9: it is missing; an anchor names it, and the log ends at 3", false},
		"a wrong anchor before it": {auditVerifyCommand{From: 3, Anchor: []string{"1:" + head.Hash.String()}}, "0 records, chain broken at record 1: it is not the record that the anchor names", false},
		"a right anchor before it": {auditVerifyCommand{From: 3, Anchor: []string{first.String()}}, "2 records, chain whole, head " + head.String(), true},
		"what an anchor had other": {auditVerifyCommand{From: 1, Anchor: []string{"2:" + head.Hash.String()}}, "1 record, chain broken at record 2: it is not the record that the anchor names", false},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := c.command.verify(t.Context(), &out)
			if strings.TrimSpace(out.String()) != c.want || errors.Is(err, errNotWhole) == c.whole {
				t.Errorf("it says %s, %v", out.String(), err)
			}
		})
	}
	if err := (auditVerifyCommand{From: 1, Anchor: []string{"x"}}).verify(t.Context(), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "--anchor") {
		t.Errorf("a bad anchor: %v", err)
	}
}

func TestAnExportIsVerifiedByTheScriptOfTheDocs(t *testing.T) {
	db := audited(t)
	dir := t.TempDir()
	command := auditExportCommand{Format: "ndjson", Destination: cli.Destination{File: filepath.Join(dir, "audit.ndjson")}}
	failing := command
	failing.Action = []string{"NOTHING"}
	if err := failing.Run(signals{run: t.Context()}, cli.Standard()); err == nil {
		t.Error("an export of actions that there aren't works")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("an export that failed leaves %v, %v", left, err)
	}
	if err := command.Run(signals{run: t.Context()}, cli.Standard()); err != nil {
		t.Fatal(err)
	}
	exported, err := os.ReadFile(command.File)
	if err != nil {
		t.Fatal(err)
	}
	head, err := db.AuditHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("../../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, found := strings.Cut(string(docs), "```python\n")
	script, _, ended := strings.Cut(script, "```")
	if !found || !ended {
		t.Fatal("docs/audit.md has no script in Python")
	}
	run := func(input string) (string, error) {
		verify := exec.CommandContext(t.Context(), "python3", "-c", script)
		verify.Stdin = strings.NewReader(input)
		out, err := verify.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	want := fmt.Sprint("3 records, chain whole, head ", head)
	if said, err := run(string(exported)); said != want || err != nil {
		t.Errorf("it says %s, %v instead of %s (python3 is in most systems' package python3)", said, err, want)
	}
	changed := strings.Replace(string(exported), `"resets":1`, `"resets":0`, 1)
	if said, err := run(changed); err == nil || !strings.Contains(said, "record 3") {
		t.Errorf("of a record that was changed it says %s, %v", said, err)
	}
}

func TestACommandWithoutADatabaseSaysSo(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	t.Setenv("DATABASE_URL_FILE", "")
	t.Chdir(t.TempDir())
	err := auditVerifyCommand{From: 1}.verify(t.Context(), &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "DATABASE_URL is not set") {
		t.Error(err)
	}
}

func TestAuditErrorsNameTheFlag(t *testing.T) {
	audited(t)
	for said, args := range map[string][]string{
		"weir: --object: use at most 128 characters": {"export", "--object", strings.Repeat("x", 129)},
		"weir: --to: give a time after":              {"export", "--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z"},
		"weir: --from: there is no record 99":        {"verify", "--from", "99"},
	} {
		var out, errs bytes.Buffer
		code := cli.Run(t.Context(), &commands{}, append([]string{"audit"}, args...), terminal(&out, &errs), signals{run: t.Context()})
		if code != 1 || !strings.HasPrefix(errs.String(), said) {
			t.Errorf("weir audit %v: %d, %s, want %s", args, code, errs.String(), said)
		}
	}
}
