package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/weirhq/weir/controlplane/embedded/process"
)

// Config says what to run and where.
type Config struct {
	BinDir  string    // where the programs postgres and initdb are
	DataDir string    // made when it is missing; not shared with anything else
	Port    int       // on 127.0.0.1; 0 takes a free one
	Output  io.Writer // gets the server's own log; may be nil

	// Volatile skips every sync, for tests: a crash of the machine loses the data.
	Volatile bool
}

// The role and the database that URL names.
const (
	role     = "weir"
	database = "weir"
)

// startWithin bounds the start, recovery after a crash included.
const startWithin = 60 * time.Second

// Server is a running Postgres.
type Server struct {
	config Config
	files  *files
	owner  owner
	child  *process.Process
	output *process.Tail
}

// Start starts a server and returns once it takes connections. Its errors say
// in one sentence what is wrong with the data directory, the port or the
// programs. ctx bounds the start only.
func Start(ctx context.Context, c Config) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	if err := c.validate(); err != nil {
		return nil, err
	}
	files, err := openFiles(c.DataDir)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, files: files}
	if err := s.start(ctx); err != nil {
		files.close()
		return nil, err
	}
	return s, nil
}

func (c *Config) validate() error {
	for _, program := range []string{"postgres", "initdb"} {
		if _, err := os.Stat(filepath.Join(c.BinDir, program)); err != nil {
			return fmt.Errorf("Postgres's program %s is not in %s; run make tools, or set DATABASE_URL to use a Postgres of your own", program, c.BinDir)
		}
	}
	if c.Port < 0 || c.Port > 65535 {
		return fmt.Errorf("the Postgres port %d is not between 0 and 65535", c.Port)
	}
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		return fmt.Errorf("resolve the Postgres data directory: %w", err)
	}
	c.DataDir = dir
	return nil
}

func (s *Server) start(ctx context.Context) error {
	fresh, err := s.files.inspect()
	if err != nil {
		return err
	}
	if s.owner, err = chooseOwner(s.config.BinDir, s.files, fresh); err != nil {
		return err
	}
	if fresh {
		if err := s.initialise(ctx); err != nil {
			return err
		}
	}
	for {
		retry, err := s.launch(ctx)
		if err == nil {
			return nil
		}
		if !retry {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// launch starts the server once. It says whether it is worth another try.
func (s *Server) launch(ctx context.Context) (retry bool, err error) {
	port := s.config.Port
	if port == 0 {
		if port, err = freePort(); err != nil {
			return false, err
		}
	}
	s.output = &process.Tail{Next: s.config.Output}
	args := []string{
		"-D", s.files.cluster(), "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "timezone=UTC", "-c", "log_timezone=UTC", "-c", "max_connections=100",
	}
	if s.config.Volatile {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	} else {
		// Room for the rollups that are written again and again, and checkpoints by
		// the clock rather than by how much is written: with the defaults there is
		// one every few seconds under load, and after each all pages are logged in
		// full. Recovery after a crash still fits into startWithin.
		args = append(args, "-c", "shared_buffers=256MB", "-c", "max_wal_size=3GB", "-c", "min_wal_size=256MB")
	}
	// SIGINT is Postgres's fast shutdown: it ends sessions and saves its files.
	child, err := process.Start(s.command(s.output, "postgres", args...), syscall.SIGINT)
	if err != nil {
		return false, err
	}
	if err := s.awaitReady(ctx, child); err != nil {
		return s.config.Port == 0 && portTaken(s.output.String()) || stillHeld(s.output.String()), err
	}
	s.child = child
	s.config.Port = port
	return false, nil
}

// awaitReady waits until the server says in its postmaster.pid that it takes
// connections.
func (s *Server) awaitReady(ctx context.Context, child *process.Process) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !s.files.ready(child.PID()) {
		select {
		case <-child.Done():
			return s.explain(child)
		case <-ctx.Done():
			_, err := child.Stop(context.Background(), process.Step{Signal: syscall.SIGQUIT, Within: 5 * time.Second})
			return errors.Join(fmt.Errorf("Postgres did not take connections in time: %s", s.output.LastLine("FATAL", "LOG")), err)
		case <-tick.C:
		}
	}
	return nil
}

func (s *Server) explain(child *process.Process) error {
	out := s.output.String()
	switch {
	case portTaken(out):
		return fmt.Errorf("port %d on 127.0.0.1 is taken, and Postgres needs it", s.config.Port)
	case stillHeld(out):
		return fmt.Errorf("another Postgres still runs on %s: %s", s.files.cluster(), s.output.LastLine("FATAL"))
	}
	return s.files.broken(fmt.Sprintf("Postgres ended with %s: %s", child.Ending(), s.output.LastLine("PANIC", "FATAL", "could not", "error")))
}

func portTaken(out string) bool { return strings.Contains(out, "Address already in use") }

// stillHeld recognises a predecessor that was killed and is not quite gone.
func stillHeld(out string) bool {
	return strings.Contains(out, `lock file "postmaster.pid" already exists`) ||
		strings.Contains(out, "pre-existing shared memory block")
}

// command prepares one of Postgres's programs to run as the owner of the files.
func (s *Server) command(out io.Writer, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.config.BinDir, program), args...)
	cmd.SysProcAttr = s.owner.attributes()
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// URL opens the database as its owner. It contains the password.
func (s *Server) URL() string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(role, s.files.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.config.Port)),
		Path:     database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Done is closed when the server has ended, asked or not.
func (s *Server) Done() <-chan struct{} { return s.child.Done() }

// Ending says how a server ended that nobody asked to. It waits for the end.
func (s *Server) Ending() string {
	return fmt.Sprintf("%s: %s", s.child.Ending(), s.output.LastLine("PANIC", "FATAL", "LOG"))
}

// Stop ends open sessions, saves everything and ends the server. When that
// takes longer than 15 seconds, or ctx ends, it ends the server without saving;
// the next start recovers what was committed.
func (s *Server) Stop(ctx context.Context) error {
	missed, err := s.child.Stop(ctx,
		process.Step{Signal: syscall.SIGINT, Within: 15 * time.Second},
		process.Step{Signal: syscall.SIGQUIT, Within: 5 * time.Second})
	s.files.close()
	if err != nil {
		return fmt.Errorf("stop Postgres: %w", err)
	}
	if missed > 0 {
		return errors.New("stop Postgres: it did not shut down in time and was ended hard; the next start recovers")
	}
	return nil
}

// PID is the server's process id.
func (s *Server) PID() int { return s.child.PID() }
