package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/usage"
)

// refusedBy says whether Postgres refused a statement for want of a privilege.
func refusedBy(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "42501"
}

func TestTheControlPlanesRoleHasRowsAndNothingElse(t *testing.T) {
	owned := databases.New(t)
	owner := dial(t, owned)
	if _, err := owner.Exec(t.Context(), `insert into accounts (name) values ('kept')`); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, databases.AsApp(t, owned))
	for _, sql := range []string{
		`create table mine (id int)`, `create schema mine`, `drop table accounts`, `truncate accounts`, `alter table accounts add column mine int`,
		`alter table accounts disable trigger user`, `alter table tier_versions disable trigger user`, `create index on accounts (name)`, `drop function extend_audit_log`,
		`update audit_records set action = 'x'`, `delete from audit_records`, `truncate audit_records`,
		`update audit_head set seq = 7`, `delete from audit_head`, `select extend_audit_log()`,
		`update migration_sums set sum = 'x'`, `delete from goose_db_version`, `select from database_roles`,
		`create role mine`, `copy accounts to program 'true'`,
		`create trigger mine before insert on accounts for each row execute function refuse_audit_change()`,
		`drop table usage_minute`, `alter table usage_minute detach partition usage_minute_default`,
	} {
		if _, err := conn.Exec(t.Context(), sql); !refusedBy(err) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{
		`select make_partition('accounts', '2026', null, null)`, `select make_partition('usage_day', '2026; drop table accounts', null, null)`,
		`select make_partition('usage_day', null, null, null)`, `select drop_partition('usage_day', 'accounts')`,
		`select drop_partition('.*', 'audit_records')`, `select drop_partition('usage_day', 'usage_day')`,
	} {
		var refused *pgconn.PgError
		if _, err := conn.Exec(t.Context(), sql); !errors.As(err, &refused) || refused.Code != "22023" {
			t.Errorf("%s: %v", sql, err)
		}
	}
	// Its own functions and tables don't stand in for Weir's.
	if _, err := conn.Exec(t.Context(), `
		create temporary table audit_head (seq bigint, hash bytea);
		select set_config('search_path', 'pg_temp, public', false);
		select public.make_partition('usage_year', '2026', null, null)`); err == nil {
		t.Error("it made a partition of a table that isn't there")
	}
}

func TestTheControlPlanesRoleMakesAndDropsPartitions(t *testing.T) {
	owned := databases.New(t)
	conn := dial(t, owned)
	db, err := postgres.Open(t.Context(), databases.AsApp(t, owned))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if n := commit(t, db, minuteBatch(1, 1, now.AddDate(0, 0, -40)), minuteBatch(1, 2, now)); n != 2 {
		t.Fatalf("%d batches are committed", n)
	}
	if _, err := conn.Exec(t.Context(), `update retention set kept_days = 30 where level = $1`, usage.Minutes.String()); err != nil {
		t.Fatal(err)
	}
	dropped, err := db.DropExpired(t.Context(), now)
	if err != nil || dropped != 3 {
		t.Fatalf("%d tables are dropped, %v", dropped, err)
	}
	if left := total(t, conn, "minute"); left != 1 {
		t.Errorf("%d requests are left", left)
	}
	if err := db.Migrate(t.Context()); err != nil {
		t.Errorf("nothing is left to migrate: %v", err)
	}
	if _, err := conn.Exec(t.Context(), `delete from goose_db_version where version_id = 16`); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"migrate": db.Migrate(t.Context()), "check": db.CheckSchema(t.Context())} {
		if !errors.Is(err, postgres.ErrBehind) || !strings.Contains(err.Error(), "weir migrate") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestTheReadersRoleReadsNoSecrets(t *testing.T) {
	owned := databases.New(t)
	conn := dial(t, databases.AsReader(t, owned))
	for _, sql := range []string{
		`select id, email, name, role from members`, `select id, account_id, name, prefix from keys`, `select id, name, scopes from api_tokens`,
		`select account_id, requests from usage_day`, `select seq, action, actor_name, before, after from audit_records`, `select name from accounts`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{
		`select * from members`, `select password from members`, `select totp_secret from members`, `select totp_draft from members`,
		`select digest from keys`, `select digest from api_tokens`, `select address from sessions`, `select from sign_in_links`,
		`select from recovery_codes`, `select subject from openid_identities`, `select from openid_attempts`,
		`update accounts set name = ''`, `insert into accounts (name) values ('')`, `delete from usage_day`, `create table mine (id int)`,
		`select make_partition('usage_day', '1999', null, null)`, `select drop_partition('usage_day', 'usage_day_2026')`,
	} {
		if _, err := conn.Exec(t.Context(), sql); !refusedBy(err) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	// Whatever may come to be: no bytes, and nothing that is called a secret.
	var open []string
	err := conn.QueryRow(t.Context(), `
		select coalesce(array_agg(table_name || '.' || column_name), '{}') from information_schema.columns
		where table_schema = 'public' and has_column_privilege(format('%I', table_name), column_name, 'SELECT')
			and (udt_name = 'bytea' or column_name ~ 'password|secret|totp|digest|token')`).Scan(&open)
	if err != nil || len(open) > 0 {
		t.Errorf("it reads %v, %v", open, err)
	}
}

func TestARoleThatIsNotThereIsNotGivenAnything(t *testing.T) {
	db, _ := openBoth(t)
	err := db.GrantRoles(t.Context(), postgres.Roles{App: `no"body`})
	if err == nil || !strings.Contains(err.Error(), `create role "no""body" login`) {
		t.Errorf("got %v", err)
	}
}
