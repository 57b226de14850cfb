package migrations_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/weirhq/weir/migrations"
)

// TestReleasedMigrationsStayAsTheyAre fails for a file that was edited: databases that
// have it would be refused. A new one gets its line with
// `cd migrations && sha256sum *.sql >released.sum`.
func TestReleasedMigrationsStayAsTheyAre(t *testing.T) {
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	var now strings.Builder
	for _, name := range names {
		text, err := fs.ReadFile(migrations.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&now, "%x  %s\n", sha256.Sum256(text), name)
	}
	released, err := os.ReadFile("released.sum")
	if err != nil {
		t.Fatal(err)
	}
	if now.String() != string(released) {
		t.Errorf("released.sum has other sums; undo the edit, and put the change into a new migration\nnow:\n%sreleased:\n%s", &now, released)
	}
}
