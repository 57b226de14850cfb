package dev

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestDevSaysThatItsDatabaseIsOfAnotherVersion(t *testing.T) {
	d := newDev(t)
	r := d.start()
	url, err := os.ReadFile(filepath.Join(d.data, "database-url"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), strings.TrimSpace(string(url)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `update migration_sums set sum = 'another' where version = 2`); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.end(syscall.SIGTERM)
	sentence := d.refused()
	for _, part := range []string{"made by another version of Weir", "0002_usage.sql", "delete " + d.data} {
		if !strings.Contains(sentence, part) {
			t.Errorf("it said %q, not %q", sentence, part)
		}
	}
}
