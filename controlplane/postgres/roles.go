package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Roles are roles of Postgres that own nothing; empty names are left out.
type Roles struct {
	App  string // weir serve runs as it
	Read string // reports are made with it
}

// GrantRoles gives roles what they need, and nothing else that is Weir's, and notes
// them, so that a later migration does so, too. Only the tables' owner can.
func (db *DB) GrantRoles(ctx context.Context, roles Roles) error {
	err := db.inTx(ctx, func(tx pgx.Tx) error {
		for name, kind := range map[string]string{roles.App: "APP", roles.Read: "READ"} {
			if name == "" {
				continue
			}
			var there bool
			if err := tx.QueryRow(ctx, `select exists (select from pg_roles where rolname = $1)`, name).Scan(&there); err != nil {
				return err
			}
			if !there {
				return fmt.Errorf("there is no role %s; make it with: create role %s login password '…'", name, pgx.Identifier{name}.Sanitize())
			}
			if _, err := tx.Exec(ctx, `insert into database_roles (name, kind) values ($1, $2) on conflict (name) do update set kind = excluded.kind`, name, kind); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = db.grantAll(ctx)
	}
	if err != nil {
		return fmt.Errorf("grant roles what they need: %w", err)
	}
	return nil
}

// grantAll gives every role that is known what it needs.
func (db *DB) grantAll(ctx context.Context) error {
	return db.inTx(ctx, func(tx pgx.Tx) error {
		roles, err := list[struct{ Name, Kind string }](ctx, tx, `select name, kind from database_roles where name in (select rolname from pg_roles) order by name`)
		if err != nil || len(roles) == 0 {
			return err
		}
		tables, err := list[grantedTable](ctx, tx, `
			select c.relname, c.relkind = 'v', array_agg(a.attname order by a.attnum), array_agg(a.attname order by a.attnum) filter (where a.atttypid = 'bytea'::regtype)
			from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
			where c.relkind in ('r', 'p', 'v') and not c.relispartition and c.relnamespace = current_schema()::regnamespace
			group by c.relname, c.relkind order by c.relname`)
		if err != nil {
			return err
		}
		var schema string
		if err := tx.QueryRow(ctx, `select current_schema()`).Scan(&schema); err != nil {
			return err
		}
		for _, r := range roles {
			if _, err := tx.Exec(ctx, grants(pgx.Identifier{schema}.Sanitize(), pgx.Identifier{r.Name}.Sanitize(), r.Kind, tables)); err != nil {
				return err
			}
		}
		return nil
	})
}

// grantedTable is a table or view, its columns, and those of them that hold bytes.
type grantedTable struct {
	Name         string
	View         bool
	Columns, Raw []string
}

// appMay says where weir serve may do less than read and write rows.
var appMay = map[string]string{
	"audit_records":    "select, insert",
	"audit_head":       "select, update (only_row)", // to lock it; its trigger moves it
	"audit_reach":      "select, insert",
	"account_cohorts":  "select, insert, update",
	"cohort_versions":  "select, insert, update",
	"goose_db_version": "select",
	"migration_sums":   "select",
	"database_roles":   "",
}

// readNothingOf are tables that say nothing but who may come in.
var readNothingOf = []string{
	"sessions", "sign_in_links", "sign_in_tries", "recovery_codes", "openid_attempts", "openid_identities", "database_roles",
}

// secretNames are parts of names of columns that reports have no use for; nor have
// they for bytes, which are digests and packed sums.
var secretNames = []string{"password", "secret", "totp", "digest", "token"}

func (t grantedTable) readable() []string {
	return slices.DeleteFunc(slices.Clone(t.Columns), func(column string) bool {
		return slices.Contains(t.Raw, column) || slices.ContainsFunc(secretNames, func(s string) bool { return strings.Contains(column, s) })
	})
}

// grants are the statements that give a role all it needs and take the rest. Partitions
// need none: they are reached through their tables.
func grants(schema, role, kind string, tables []grantedTable) string {
	var sql strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&sql, format+";\n", args...) }
	say("grant usage on schema %s to %s", schema, role)
	say("revoke all on all tables in schema %s from %s", schema, role)
	for _, t := range tables {
		may, special := appMay[t.Name]
		switch {
		case kind == "READ" && (slices.Contains(readNothingOf, t.Name) || len(t.readable()) == 0):
			continue
		case kind == "READ":
			may = "select (" + identifiers(t.readable()) + ")"
		case t.View:
			may = "select"
		case !special:
			may = "select, insert, update, delete"
		}
		if may != "" {
			say("grant %s on %s to %s", may, identifiers([]string{t.Name}), role)
		}
	}
	if kind == "APP" {
		say("grant usage on all sequences in schema %s to %s", schema, role)
		say("grant execute on function make_partition(text, text, timestamptz, timestamptz), drop_partition(text, text) to %s", role)
	}
	return sql.String()
}
