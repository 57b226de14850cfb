package stream

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Server is a NATS server inside this process, for those who run none. It
// listens on no port.
type Server struct {
	nats *server.Server
	lock *os.File
}

// Bounds of the embedded server.
const (
	maxStoreBytes  = 4 << 30
	maxMemoryBytes = 64 << 20
	startWithin    = 15 * time.Second
)

// StartServer starts a JetStream server that keeps its files in dir. What it
// acknowledges is on disk: it syncs every write.
func StartServer(dir string) (*Server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the JetStream directory: %w", err)
	}
	// Two servers on one directory would both start, and spoil it in silence.
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the JetStream lock: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("the JetStream directory %s is in use by another process", dir)
	}
	nats, err := server.NewServer(&server.Options{
		ServerName: "weir", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: dir, SyncAlways: true,
		JetStreamMaxMemory: maxMemoryBytes, JetStreamMaxStore: maxStoreBytes,
		MaxPayload: maxPayload,
	})
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("configure the embedded NATS server: %w", err)
	}
	go nats.Start()
	if !nats.ReadyForConnections(startWithin) {
		nats.Shutdown()
		lock.Close()
		return nil, errors.New("start the embedded NATS server: it was not ready in time; is its directory damaged?")
	}
	return &Server{nats, lock}, nil
}

// Stop ends the server once its files are closed.
func (s *Server) Stop() {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
	s.lock.Close()
}
