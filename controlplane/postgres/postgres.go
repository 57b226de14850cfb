package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"

	"github.com/weirhq/weir/controlplane"
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	pool       *pgxpool.Pool
	partitions partitions // that were seen
	room       room
}

// statementTimeout bounds every statement, so that one bad query can't hold a
// connection for good.
const statementTimeout = 30 * time.Second

// Option changes how a database is opened.
type Option func(*pgxpool.Config)

// Traced makes a span of each statement. Its text is part of that, its arguments
// are not.
func Traced(provider trace.TracerProvider) Option {
	return func(c *pgxpool.Config) {
		c.ConnConfig.Tracer = otelpgx.NewTracer(otelpgx.WithTracerProvider(provider), otelpgx.WithDisableConnectionDetailsInAttributes())
	}
}

// Open connects to the database at url and waits until it answers, or ctx ends.
func Open(ctx context.Context, url string, options ...Option) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		// The error of ParseConfig may quote the URL, and with it a password.
		return nil, errors.New("read the database URL: it is not a valid postgres:// URL")
	}
	config.MaxConns = max(config.MaxConns, 12)
	config.ConnConfig.RuntimeParams["application_name"] = "weir"
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	config.ConnConfig.RuntimeParams["statement_timeout"] = fmt.Sprint(statementTimeout.Milliseconds())
	config.ConnConfig.RuntimeParams["temp_buffers"] = "32MB" // for createStaging; used only where it is needed
	config.AfterConnect = createStaging
	for _, o := range options {
		o(config)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database pool: %w", err)
	}
	db := &DB{pool: pool, room: filterRoom}
	if err := db.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("the database at %s:%d can't be used; check DATABASE_URL: %w", config.ConnConfig.Host, config.ConnConfig.Port, err)
	}
	return db, nil
}

// Lost says whether an error is that of a connection to the database: it was cut, or there
// is none to be had, as while Postgres is started anew.
func Lost(err error) bool {
	var told *pgconn.PgError
	if errors.As(err, &told) {
		// Exceptions of connections, too few resources, and an operator's stop.
		return strings.HasPrefix(told.Code, "08") || strings.HasPrefix(told.Code, "53") || strings.HasPrefix(told.Code, "57P")
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// Close waits for running statements and closes all connections.
func (db *DB) Close() { db.pool.Close() }

// Connections returns how many connections are open, and how many of them are in
// use.
func (db *DB) Connections() (open, used int) {
	s := db.pool.Stat()
	return int(s.TotalConns()), int(s.AcquiredConns())
}

// Ping asks whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	err := db.pool.Ping(ctx)
	if err == nil {
		return nil
	}
	// The driver tells of each attempt in a line of its own.
	told := &unreachedError{strings.Join(strings.Fields(err.Error()), " "), err}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		told.text = refused.Message
	}
	return told
}

// unreachedError is a database that does not answer, in one line.
type unreachedError struct {
	text  string
	cause error
}

func (e *unreachedError) Error() string { return "reach the database: " + e.text }
func (e *unreachedError) Unwrap() error { return e.cause }

// inTx runs do in a transaction.
func (db *DB) inTx(ctx context.Context, do func(pgx.Tx) error) error {
	if ctx.Value(rehearsalKey{}) == nil {
		return pgx.BeginFunc(ctx, db.pool, do)
	}
	err := pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return err
}

type rehearsalKey struct{}

// errRehearsed rolls back what was only tried out.
var errRehearsed = errors.New("this was a rehearsal")

// Rehearsal returns a context in which every transaction is rolled back in the end: what
// would be said of a change is found out, and nothing is changed.
func Rehearsal(ctx context.Context) context.Context {
	return context.WithValue(ctx, rehearsalKey{}, true)
}

// isViolation says whether err is the violation of the named constraint.
func isViolation(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}

// one reads exactly one row, whose columns stand in the order of T's fields.
func one[T any](ctx context.Context, q querier, sql string, args ...any) (T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		var zero T
		return zero, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[T])
}

// list reads rows whose columns stand in the order of T's fields.
func list[T any](ctx context.Context, q querier, sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[T])
}

// orMissing turns the error of a row that is not there into missing.
func orMissing(err error, missing *controlplane.Error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return missing
	}
	return err
}

// querier is a transaction or the pool.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}
