package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// directory is the data directory, locked by this process.
type directory struct {
	path string
	lock *os.File
}

func openDirectory(path string) (*directory, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("resolve the data directory: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(path, "logs"), 0o755); err != nil {
		return nil, fmt.Errorf("make the data directory (WEIR_DATA says where): %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("another Weir runs on the data directory %s; stop that one, or set WEIR_DATA to another directory", path)
	}
	return &directory{path, lock}, nil
}

func (d *directory) close() { d.lock.Close() }

func (d *directory) at(name string) string { return filepath.Join(d.path, name) }

// maxLogBytes is how long a log may be at a start before it is set aside.
const maxLogBytes = 16 << 20

// log opens a part's log to append to. A long one becomes NAME.log.1, in place
// of the one before.
func (d *directory) log(part string) (*os.File, error) {
	path := d.at("logs/" + part + ".log")
	if info, err := os.Stat(path); err == nil && info.Size() > maxLogBytes {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, fmt.Errorf("set aside the log of %s: %w", part, err)
		}
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", part, err)
	}
	return file, nil
}
