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

// usedCPU is what each backend has used, by its process.
type usedCPU map[string]time.Duration

// since is what the backends that there are have used more than before. What those
// used that have ended meanwhile is not known.
func (u usedCPU) since(before usedCPU) (sum time.Duration) {
	for process, used := range u {
		sum += used - before[process]
	}
	return sum
}

// cpu is what its backends have used.
func (p *processes) cpu() (usedCPU, error) {
	dir := filepath.Join("/proc", strconv.Itoa(p.server))
	children, err := os.ReadFile(filepath.Join(dir, "task", strconv.Itoa(p.server), "children"))
	if err != nil {
		return nil, fmt.Errorf("find Postgres's processes: %w", err)
	}
	used := usedCPU{}
	for _, child := range strings.Fields(string(children)) {
		n, err := backendCPU(filepath.Join("/proc", child))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read what Postgres used: %w", err)
		}
		if n > 0 {
			used[child] = n
		}
	}
	return used, nil
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
