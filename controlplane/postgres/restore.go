package postgres

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Errors of Restore.
var (
	// ErrNotABackup is what can't be read as one, or was changed since.
	ErrNotABackup = errors.New("the file is not a whole backup")
	// ErrNotEmpty is a database that holds something already.
	ErrNotEmpty = errors.New("the database holds accounts or usage already; restore into an empty one")
)

// maxManifestBytes is far more than a manifest of all partitions needs.
const maxManifestBytes = 16 << 20

// Restore fills the database, which must be as [DB.Migrate] made it, with a backup
// of size bytes: with all of it, or not at all. After each table it calls told.
// The policy gets a version above all that were given out before.
func (db *DB) Restore(ctx context.Context, r io.ReaderAt, size int64, told func(table string, rows int64)) (b Backup, err error) {
	if err := endsWhole(r, size); err != nil {
		return b, fmt.Errorf("restore the database: %w", err)
	}
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return b, fmt.Errorf("restore the database: %w: %w", ErrNotABackup, err)
	}
	if b, err = manifestOf(archive); err != nil {
		return b, fmt.Errorf("restore the database: %w", err)
	}
	err = db.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `set local statement_timeout = 0`); err != nil {
			return err
		}
		if err := fits(ctx, tx, b); err != nil {
			return err
		}
		if err := db.fill(ctx, tx, archive, b, told); err != nil {
			return err
		}
		_, err := raiseVersion(ctx, tx)
		return err
	})
	if err != nil {
		return b, fmt.Errorf("restore the database: %w", err)
	}
	return b, nil
}

// endsWhole refuses a file that goes on after the archive, which a reader of such files
// would look past.
func endsWhole(r io.ReaderAt, size int64) error {
	// The end of central directory record of APPNOTE.TXT 4.3.16, without a comment.
	var end [22]byte
	if _, err := r.ReadAt(end[:], size-int64(len(end))); err != nil || string(end[:4]) != "PK\x05\x06" || end[20]|end[21] != 0 {
		return ErrNotABackup
	}
	return nil
}

func manifestOf(archive *zip.Reader) (b Backup, err error) {
	file, err := archive.Open(manifestName)
	if err != nil {
		return b, fmt.Errorf("%w: it has no %s", ErrNotABackup, manifestName)
	}
	defer func() { _ = file.Close() }()                             // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxManifestBytes)) // to its end, where its checksum is compared
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err != nil {
		return b, fmt.Errorf("%w: read its %s: %w", ErrNotABackup, manifestName, err)
	}
	if b.Format != backupFormat {
		return b, fmt.Errorf("%w: it has format %d, and this build reads %d", ErrNotABackup, b.Format, backupFormat)
	}
	return b, nil
}

// fits says why a backup can't go into the database.
func fits(ctx context.Context, tx pgx.Tx, b Backup) error {
	here, err := describe(ctx, tx)
	if err != nil {
		return err
	}
	if !slices.Equal(here.Migrations, b.Migrations) {
		return fmt.Errorf("%w; restore with the version that made the backup", ErrOtherSchema)
	}
	sameTable := func(x, y tableBackup) bool { return x.Name == y.Name && slices.Equal(x.Columns, y.Columns) }
	if !slices.EqualFunc(here.Tables, b.Tables, sameTable) {
		return fmt.Errorf("%w: its tables are others than the schema's", ErrNotABackup)
	}
	var used bool
	err = tx.QueryRow(ctx, `
		select exists (select from accounts) or exists (select from sources) or exists (select from corrections) or exists (select from audit_records)`).Scan(&used)
	if err == nil && used {
		err = ErrNotEmpty
	}
	return err
}

func (db *DB) fill(ctx context.Context, tx pgx.Tx, archive *zip.Reader, b Backup, told func(string, int64)) error {
	var names []string
	for _, t := range b.Tables {
		if t.Name != auditTable {
			names = append(names, t.Name)
		}
	}
	// What triggers note of changes is in the backup as well. The audit log's stay,
	// so that its chain is checked as it is filled.
	for _, name := range names {
		if _, err := tx.Exec(ctx, "alter table "+identifiers([]string{name})+" disable trigger user"); err != nil {
			return err
		}
	}
	// Sessions and links go with the members that they are of.
	if _, err := tx.Exec(ctx, "truncate "+identifiers(names)+" cascade"); err != nil {
		return err
	}
	for _, p := range b.Partitions {
		if err := attach(ctx, tx, p); err != nil {
			return fmt.Errorf("make partition %s: %w", p.Name, err)
		}
	}
	for _, t := range b.Tables {
		if err := restoreTable(ctx, tx, archive, t); err != nil {
			return fmt.Errorf("fill %s: %w", t.Name, err)
		}
		told(t.Name, t.Rows)
	}
	for _, name := range names {
		if _, err := tx.Exec(ctx, "alter table "+identifiers([]string{name})+" enable trigger user"); err != nil {
			return err
		}
	}
	for _, s := range b.Sequences {
		if _, err := tx.Exec(ctx, `select setval($1::regclass, $2, false)`, identifiers([]string{s.Name}), s.Next); err != nil {
			return fmt.Errorf("set sequence %s: %w", s.Name, err)
		}
	}
	return nil
}

// boundText is what Postgres says of a partition's bounds, here always times.
var boundText = regexp.MustCompile(`^FOR VALUES FROM \(('[0-9 :.+-]+( BC)?'|MINVALUE)\) TO \(('[0-9 :.+-]+( BC)?'|MAXVALUE)\)$`)

// attach makes a partition, unless it is there. Its bound becomes a part of SQL, so
// it may be nothing else.
func attach(ctx context.Context, tx pgx.Tx, p partitionOfIt) error {
	if !boundText.MatchString(p.Bound) {
		return fmt.Errorf("%w: a bound that is none", ErrNotABackup)
	}
	_, err := tx.Exec(ctx, fmt.Sprintf("create table if not exists %s partition of %s %s", identifiers([]string{p.Name}), identifiers([]string{p.Parent}), p.Bound))
	return err
}

func restoreTable(ctx context.Context, tx pgx.Tx, archive *zip.Reader, t tableBackup) error {
	file, err := archive.Open(t.Name)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotABackup, err)
	}
	defer func() { _ = file.Close() }() // it was only read
	sum := sha256.New()
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, io.TeeReader(file, sum),
		fmt.Sprintf("copy %s (%s) from stdin (format binary)", identifiers([]string{t.Name}), identifiers(t.Columns)))
	if err != nil && ctx.Err() == nil && !intact(archive, t) {
		return fmt.Errorf("%w: it is damaged, and nothing was restored", ErrNotABackup)
	}
	if err != nil {
		return err
	}
	if tag.RowsAffected() != t.Rows || hex.EncodeToString(sum.Sum(nil)) != t.SHA256 {
		return fmt.Errorf("%w: it has %d rows of %d, or others", ErrNotABackup, tag.RowsAffected(), t.Rows)
	}
	return nil
}

// intact says whether a table's file is as it was written. Postgres may have refused what
// it holds before it was read to the end.
func intact(archive *zip.Reader, t tableBackup) bool {
	file, err := archive.Open(t.Name)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // it was only read
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return err == nil && hex.EncodeToString(sum.Sum(nil)) == t.SHA256
}
