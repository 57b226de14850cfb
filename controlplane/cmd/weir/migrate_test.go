package main

import (
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/postgres"
)

// The statements of docs/postgres.md make roles that weir migrate gives what they
// need.
func TestTheDocsRolesAreEnough(t *testing.T) {
	database := databases.New(t)
	text, err := os.ReadFile("../../../docs/postgres.md")
	if err != nil {
		t.Fatal(err)
	}
	_, sql, found := strings.Cut(string(text), "```sql\n")
	sql, _, ended := strings.Cut(sql, "```")
	if !found || !ended {
		t.Fatal("docs/postgres.md has no statements")
	}
	// Roles are the whole server's.
	prefix := "weir_" + strings.ToLower(rand.Text()) + "_"
	owner, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { owner.Close(t.Context()) })
	if _, err := owner.Exec(t.Context(), strings.ReplaceAll(sql, "weir_", prefix)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DATABASE_URL", database)
	command := migrateCommand{AppRole: prefix + "app", ReadRole: prefix + "read"}
	if err := command.Run(signals{t.Context(), t.Context()}); err != nil {
		t.Fatal(err)
	}
	as, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	as.User = url.UserPassword(prefix+"app", "choose one")
	db, err := postgres.Open(t.Context(), as.String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.CheckSchema(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := db.AuditHead(t.Context()); err != nil {
		t.Error(err)
	}
}
