package postgres_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

func unheard(string, int64) {}

// contents returns the number of rows and a digest of each table, partitions too.
func contents(t *testing.T, conn *pgx.Conn) map[string]string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `
		select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
			and relname not in ('goose_db_version', 'migration_sums', 'policy', 'policy_versions')`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range names {
		var n int
		var digest *string
		row := conn.QueryRow(t.Context(), fmt.Sprintf(`select count(*), md5(string_agg(r::text, ',' order by r::text)) from %s r`, pgx.Identifier{name}.Sanitize()))
		if err := row.Scan(&n, &digest); err != nil {
			t.Fatal(err)
		}
		if digest != nil {
			all[name] = fmt.Sprint(n, " ", *digest)
		}
	}
	return all
}

// lived returns a database in which something has happened.
func lived(t *testing.T) (*postgres.DB, *pgx.Conn) {
	t.Helper()
	db, conn := openBoth(t)
	tier := newTier(t, db, "Gold", perMinute(10))
	account := accountIn(t, db, "Europe/Berlin")
	if _, _, err := db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: account, TierID: &tier.ID}); err != nil {
		t.Fatal(err)
	}
	commit(t, db, batch(1, 1, uint64(account), 5), batch(1, 3, uint64(account), 3), batch(2, 1, 8, 2))
	imported := adjustment(account, "row-1", noon, 7)
	imported.Kind = controlplane.KindImport
	correct(t, db, imported)
	return db, conn
}

func backUp(t *testing.T, db *postgres.DB) []byte {
	t.Helper()
	var file bytes.Buffer
	b, err := db.Backup(t.Context(), &file, unheard)
	if err != nil {
		t.Fatal(err)
	}
	if b.Rows() == 0 {
		t.Error("the backup holds nothing")
	}
	return file.Bytes()
}

func restore(t *testing.T, db *postgres.DB, file []byte) error {
	t.Helper()
	_, err := db.Restore(t.Context(), bytes.NewReader(file), int64(len(file)), unheard)
	return err
}

func TestARestoredDatabaseGoesOnWhereTheBackupWasMade(t *testing.T) {
	db, conn := lived(t)
	file := backUp(t, db)
	want := contents(t, conn)
	commit(t, db, batch(1, 4, 8, 1)) // not in the backup any more
	old, err := db.PolicyState(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	restored, conn := openBoth(t)
	if err := restore(t, restored, file); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, contents(t, conn)); diff != "" {
		t.Errorf("the restored tables differ (-backed up +restored):\n%s", diff)
	}
	if state, err := restored.PolicyState(t.Context()); err != nil || state.Version <= old.Version {
		t.Errorf("the policy has version %d, %v; want one above %d", state.Version, err, old.Version)
	}
	// Filters get the policy that was backed up, before anybody edits it.
	before, err := db.PolicyReader().Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after, err := restored.PolicyReader().Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after.Version = before.Version
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the restored policy differs (-backed up +restored):\n%s", diff)
	}
	if n := commit(t, restored, batch(1, 1, 7, 5), batch(1, 3, 7, 3)); n != 0 {
		t.Errorf("%d batches counted again", n)
	}
	if n := commit(t, restored, batch(1, 2, 7, 1), batch(1, 4, 8, 1)); n != 2 {
		t.Errorf("%d batches of 2 that the backup lacks were counted", n)
	}
	if committed, err := restored.Committed(t.Context(), wire.SourceID{1}); err != nil || committed != 4 {
		t.Errorf("committed through %d, %v; want 4", committed, err)
	}
	// New rows take new ids, and the log of changes goes on.
	accountIn(t, restored, "UTC")
	newTier(t, restored, "Silver", perMinute(1))
	if report, err := restored.VerifyAudit(t.Context(), audit.Check{}); err != nil || !report.Complete() || report.Checked == 0 {
		t.Errorf("the audit log: %+v, %v", report, err)
	}
}

// inside returns the place of a byte in the middle of a backup's largest table. One
// elsewhere may be in a part of the archive that says nothing.
func inside(t *testing.T, backup []byte) int64 {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(backup), int64(len(backup)))
	if err != nil {
		t.Fatal(err)
	}
	largest := slices.MaxFunc(archive.File, func(a, b *zip.File) int { return int(a.CompressedSize64) - int(b.CompressedSize64) })
	at, err := largest.DataOffset()
	if err != nil {
		t.Fatal(err)
	}
	return at + int64(largest.CompressedSize64/2)
}

func TestRestoreRefusesAndChangesNothing(t *testing.T) {
	source, _ := lived(t)
	good := backUp(t, source)
	flipped := bytes.Clone(good)
	flipped[inside(t, good)] ^= 1
	for name, tc := range map[string]struct {
		file  []byte
		spoil string // what is done to the database before
		want  error
	}{
		"half a file":               {good[:len(good)/2], ``, postgres.ErrNotABackup},
		"no backup at all":          {[]byte(strings.Repeat("x", 1000)), ``, postgres.ErrNotABackup},
		"more than a file":          {append(bytes.Clone(good), 0), ``, postgres.ErrNotABackup},
		"a flipped bit":             {flipped, ``, postgres.ErrNotABackup},
		"a database in use":         {good, `insert into accounts (name) values ('here already')`, postgres.ErrNotEmpty},
		"a database of other build": {good, `update migration_sums set sum = 'another' where version = 2`, postgres.ErrOtherSchema},
	} {
		t.Run(name, func(t *testing.T) {
			db, conn := openBoth(t)
			if _, err := conn.Exec(t.Context(), tc.spoil); err != nil {
				t.Fatal(err)
			}
			before := contents(t, conn)
			err := restore(t, db, tc.file)
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if diff := cmp.Diff(before, contents(t, conn)); diff != "" {
				t.Errorf("it changed something all the same:\n%s", diff)
			}
		})
	}
}
