package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// processes are the backends of a Postgres server.
type processes struct{ server int }

// cpu is what its backends have used; those that have ended count no more.
func (p *processes) cpu() (sum time.Duration, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(p.server))
	children, err := os.ReadFile(filepath.Join(dir, "task", strconv.Itoa(p.server), "children"))
	if err != nil {
		return 0, fmt.Errorf("find Postgres's processes: %w", err)
	}
	for _, child := range strings.Fields(string(children)) {
		n, err := backendCPU(filepath.Join("/proc", child))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, fmt.Errorf("read what Postgres used: %w", err)
		}
		sum += n
	}
	return sum, nil
}

// backendCPU is what a process has used, if it answers a client or helps to.
func backendCPU(dir string) (time.Duration, error) {
	title, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil || !bytes.HasPrefix(title, []byte("postgres: weir ")) && !bytes.Contains(title, []byte("parallel worker")) {
		return 0, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "schedstat"))
	if err != nil {
		return 0, err
	}
	var nanoseconds int64
	if _, err := fmt.Sscan(string(text), &nanoseconds); err != nil {
		return 0, err
	}
	return time.Duration(nanoseconds), nil
}
