package postgres

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// A backup is a zip archive: a file for each table, as COPY writes it in its
// binary format, and at the end manifestName, which says what is there.
const (
	manifestName = "manifest.json"
	backupFormat = 1
)

// Backup says what is in one.
type Backup struct {
	Format     int       `json:"format"`
	At         time.Time `json:"at"` // by the database's clock; nothing that was committed later is in it
	Migrations []applied `json:"migrations"`
	// In the order in which they may be filled again.
	Tables     []tableBackup   `json:"tables"`
	Partitions []partitionOfIt `json:"partitions"`
	Sequences  []sequence      `json:"sequences"`
}

type applied struct {
	Version int64  `json:"version"`
	Sum     string `json:"sum"`
}

type tableBackup struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
	SHA256  string   `json:"sha256"` // of its file
}

type partitionOfIt struct {
	Name   string `json:"name"`
	Parent string `json:"parent"`
	Bound  string `json:"bound"`
}

type sequence struct {
	Name string `json:"name"`
	Next int64  `json:"next"`
}

// Rows returns how many rows all tables have.
func (b Backup) Rows() (n int64) {
	for _, t := range b.Tables {
		n += t.Rows
	}
	return n
}

// notBackedUp are tables that a restored database has no use for: what the schema
// itself is noted in, who is signed in, and where the audit log ends, which
// follows from its records.
var notBackedUp = []string{"goose_db_version", "migration_sums", "sessions", "sign_in_links", "openid_attempts", "database_roles", "audit_head"}

// auditTable holds the audit log, whose records only go in one after the other.
const auditTable = "audit_records"

// Backup writes everything that the database holds, as it is at one moment, to w,
// while others go on writing to it. After each table it calls told.
func (db *DB) Backup(ctx context.Context, w io.Writer, told func(table string, rows int64)) (b Backup, err error) {
	archive := zip.NewWriter(w)
	moment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, db.pool, moment, func(tx pgx.Tx) error {
		if b, err = describe(ctx, tx); err != nil {
			return err
		}
		for i := range b.Tables {
			if err := backUpTable(ctx, tx, archive, &b.Tables[i]); err != nil {
				return fmt.Errorf("copy %s: %w", b.Tables[i].Name, err)
			}
			told(b.Tables[i].Name, b.Tables[i].Rows)
		}
		return nil
	})
	if err != nil {
		return b, fmt.Errorf("back up the database: %w", err)
	}
	entry, err := archive.Create(manifestName)
	if err == nil {
		err = json.NewEncoder(entry).Encode(b)
	}
	if err == nil {
		err = archive.Close()
	}
	if err != nil {
		return b, fmt.Errorf("write the backup: %w", err)
	}
	return b, nil
}

func backUpTable(ctx context.Context, tx pgx.Tx, archive *zip.Writer, t *tableBackup) error {
	entry, err := archive.Create(t.Name)
	if err != nil {
		return err
	}
	rows := fmt.Sprintf("select %s from %s", identifiers(t.Columns), identifiers([]string{t.Name}))
	if t.Name == auditTable {
		rows += " order by seq"
	}
	sum := sha256.New()
	tag, err := tx.Conn().PgConn().CopyTo(ctx, io.MultiWriter(entry, sum), "copy ("+rows+") to stdout (format binary)")
	t.Rows, t.SHA256 = tag.RowsAffected(), hex.EncodeToString(sum.Sum(nil))
	return err
}

// describe returns what a backup at this moment is made of.
func describe(ctx context.Context, tx pgx.Tx) (b Backup, err error) {
	if _, err := tx.Exec(ctx, `set local statement_timeout = 0`); err != nil {
		return b, err
	}
	b.Format = backupFormat
	if err := tx.QueryRow(ctx, `select now()`).Scan(&b.At); err != nil {
		return b, err
	}
	if b.Migrations, err = list[applied](ctx, tx, `select version, sum from migration_sums order by version`); err != nil {
		return b, fmt.Errorf("read the migrations: %w", err)
	}
	if b.Tables, err = tablesOf(ctx, tx); err != nil {
		return b, fmt.Errorf("list the tables: %w", err)
	}
	b.Partitions, err = list[partitionOfIt](ctx, tx, `
		select c.relname, p.relname, pg_get_expr(c.relpartbound, c.oid)
		from pg_class c join pg_inherits i on i.inhrelid = c.oid join pg_class p on p.oid = i.inhparent
		where c.relispartition and c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
		order by c.relname`)
	if err != nil {
		return b, fmt.Errorf("list the partitions: %w", err)
	}
	b.Sequences, err = list[sequence](ctx, tx, `
		select sequencename::text, coalesce(last_value + increment_by, start_value) from pg_sequences where schemaname = current_schema() order by sequencename`)
	if err != nil {
		return b, fmt.Errorf("list the sequences: %w", err)
	}
	return b, nil
}

// tablesOf lists the tables so that each comes after those that it refers to.
func tablesOf(ctx context.Context, tx pgx.Tx) ([]tableBackup, error) {
	waiting, err := list[struct {
		Name    string
		Columns []string
		Refers  []string
	}](ctx, tx, `
		select c.relname,
			(select array_agg(a.attname order by a.attnum) from pg_attribute a
			 where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''),
			array(select distinct r.relname::text from pg_constraint f join pg_class r on r.oid = f.confrelid
			      where f.conrelid = c.oid and f.contype = 'f' and f.confrelid <> c.oid)
		from pg_class c
		where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = current_schema()::regnamespace
			and not c.relname = any($1)
		order by c.relname`, notBackedUp)
	if err != nil {
		return nil, err
	}
	var tables []tableBackup
	placed := map[string]bool{}
	for len(waiting) > 0 {
		before := len(waiting)
		for i := 0; i < len(waiting); {
			t := waiting[i]
			if slices.ContainsFunc(t.Refers, func(name string) bool { return !placed[name] }) {
				i++
				continue
			}
			placed[t.Name] = true
			tables = append(tables, tableBackup{Name: t.Name, Columns: t.Columns})
			waiting = slices.Delete(waiting, i, i+1)
		}
		if len(waiting) == before {
			return nil, fmt.Errorf("%s and others refer to each other", waiting[0].Name)
		}
	}
	return tables, nil
}

func identifiers(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = pgx.Identifier{name}.Sanitize()
	}
	return strings.Join(quoted, ", ")
}
