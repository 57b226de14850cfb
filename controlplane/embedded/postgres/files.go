package postgres

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// files is a data directory that this process holds the lock of.
type files struct {
	dir      string
	lock     *os.File
	password string
}

func openFiles(dir string) (*files, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the Postgres data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the Postgres data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("the Postgres data directory %s is in use by another process; stop that one, or choose another directory", dir)
	}
	return &files{dir: dir, lock: lock}, nil
}

func (f *files) close() { f.lock.Close() }

func (f *files) cluster() string { return filepath.Join(f.dir, "cluster") }

// unfinished is where a cluster is made, so that a crash half-way leaves no
// cluster rather than half of one.
func (f *files) unfinished() string { return filepath.Join(f.dir, "cluster.unfinished") }

func (f *files) passwordFile() string { return filepath.Join(f.dir, "password") }

// broken is the error for a data directory that can't be used as it is.
func (f *files) broken(why string) error {
	return fmt.Errorf("the Postgres data directory %s can't be used (%s); restore it from a backup, or delete it to begin anew without its data", f.dir, why)
}

// inspect says whether the cluster has yet to be made, and reads the password
// if not.
func (f *files) inspect() (fresh bool, err error) {
	_, err = os.Stat(f.cluster())
	if errors.Is(err, os.ErrNotExist) {
		if err := os.RemoveAll(f.unfinished()); err != nil {
			return false, fmt.Errorf("remove an unfinished Postgres cluster: %w", err)
		}
		return true, nil
	}
	if err != nil {
		return false, f.broken(err.Error())
	}
	version, err := os.ReadFile(filepath.Join(f.cluster(), "PG_VERSION"))
	if err != nil {
		return false, f.broken("cluster/PG_VERSION can't be read")
	}
	if v := strings.TrimSpace(string(version)); v != "18" {
		return false, f.broken(fmt.Sprintf("it was made by Postgres %.20q, and this is Postgres 18", v))
	}
	password, err := os.ReadFile(f.passwordFile())
	if err != nil || len(password) < 20 {
		return false, f.broken("the file password can't be read")
	}
	f.password = string(password)
	return false, nil
}

// makePassword chooses the role's password and stores it.
func (f *files) makePassword() error {
	f.password = rand.Text()
	if err := os.WriteFile(f.passwordFile(), []byte(f.password), 0o600); err != nil {
		return fmt.Errorf("store the Postgres password: %w", err)
	}
	return nil
}

// ready says whether postmaster.pid is the given process's and reports that it
// takes connections: its first line is the process id, its eighth the state.
func (f *files) ready(pid int) bool {
	content, err := os.ReadFile(filepath.Join(f.cluster(), "postmaster.pid"))
	if err != nil {
		return false
	}
	lines := strings.Split(string(content), "\n")
	return len(lines) >= 8 && lines[0] == strconv.Itoa(pid) && strings.TrimSpace(lines[7]) == "ready"
}
