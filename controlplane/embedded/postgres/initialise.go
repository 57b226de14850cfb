package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/weirhq/weir/controlplane/embedded/process"
)

// testAccess lets all roles in that a test makes.
const testAccess = "# type database user address method\nhost all all 127.0.0.1/32 scram-sha-256\n"

// hostAccess lets one role in, from this machine and with its password. The
// superuser has no way in at all.
const hostAccess = "# type database user address method\nhost all " + role + " 127.0.0.1/32 scram-sha-256\n"

// initialise makes the cluster, with an empty database that the role owns.
func (s *Server) initialise(ctx context.Context) error {
	if err := s.files.makePassword(); err != nil {
		return err
	}
	dir := s.files.unfinished()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return fmt.Errorf("make the Postgres cluster's directory: %w", err)
	}
	if err := s.owner.take(s.files.dir, dir); err != nil {
		return err
	}
	args := []string{
		"-D", dir, "-U", "postgres", "-A", "reject", "--encoding=UTF8",
		"--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
	}
	if s.config.Volatile {
		args = append(args, "--no-sync")
	}
	if err := s.run(ctx, "", "initdb", args...); err != nil {
		return err
	}
	access, may := hostAccess, "createdb"
	if s.config.Volatile {
		access, may = testAccess, "createdb createrole"
	}
	if err := os.WriteFile(filepath.Join(dir, "pg_hba.conf"), []byte(access), 0o600); err != nil {
		return fmt.Errorf("write pg_hba.conf: %w", err)
	}
	// A single-user server takes one statement a line. The password has letters
	// and digits only.
	statements := fmt.Sprintf("create role %s login %s password '%s';\ncreate database %s owner %s;\n",
		role, may, s.files.password, database, role)
	if err := s.run(ctx, statements, "postgres", "--single", "-D", dir, "-c", "exit_on_error=on", "postgres"); err != nil {
		return err
	}
	if err := os.Rename(dir, s.files.cluster()); err != nil {
		return fmt.Errorf("keep the Postgres cluster: %w", err)
	}
	return nil
}

// run runs one of Postgres's programs to its end.
func (s *Server) run(ctx context.Context, input, program string, args ...string) error {
	out := &process.Tail{Next: s.config.Output}
	cmd := s.command(out, program, args...)
	cmd.Stdin = strings.NewReader(input)
	child, err := process.Start(cmd, syscall.SIGKILL)
	if err != nil {
		return err
	}
	select {
	case <-child.Done():
	case <-ctx.Done():
		_, err := child.Stop(ctx)
		return errors.Join(fmt.Errorf("run %s: it took too long", program), err)
	}
	if !child.Succeeded() {
		return fmt.Errorf("run %s: %s: %s", program, child.Ending(), out.LastLine("FATAL", "error:", "ERROR"))
	}
	return nil
}
