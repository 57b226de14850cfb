package pgtest_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/embedded/pgtest"
)

var databases = pgtest.Databases{Migrate: func(ctx context.Context, url string) error {
	_, err := exec(ctx, url, `create table seen (n int)`)
	return err
}}

func TestMain(m *testing.M) { os.Exit(databases.Run(m)) }

func exec(ctx context.Context, url, sql string) (rows int64, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.Background())
	tag, err := conn.Exec(ctx, sql)
	return tag.RowsAffected(), err
}

func TestEachTestHasAMigratedDatabaseOfItsOwn(t *testing.T) {
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			url := databases.New(t)
			if _, err := exec(t.Context(), url, `insert into seen values (1)`); err != nil {
				t.Fatal(err)
			}
			n, err := exec(t.Context(), url, `select from seen`)
			if err != nil {
				t.Fatal(err)
			}
			if n != 1 {
				t.Errorf("it sees %d rows", n)
			}
		})
	}
}
