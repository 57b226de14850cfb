// Package streamtest runs NATS servers for tests, as people run them outside of Weir.
package streamtest

import (
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	// The server's own default is three quarters of what the disk has left, which
	// would make a test depend on how full a disk is.
	storeBytes  = 4 << 30
	maxPayload  = 8 << 20
	startWithin = time.Minute
)

// Options are how a server differs from one on a free port with room for all.
type Options struct {
	Dir        string // its files; empty: a directory of the test's own
	Port       int    // 0: a free one
	StoreBytes int64  // what its streams may reserve; 0: plenty
}

// Server is a NATS server with JetStream on 127.0.0.1. It ends with its test.
type Server struct {
	nats *server.Server
	stop sync.Once
}

// Start starts a server and waits until it is ready.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Port == 0 {
		o.Port = server.RANDOM_PORT
	}
	if o.StoreBytes == 0 {
		o.StoreBytes = storeBytes
	}
	nats, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: o.Port, NoSigs: true, NoLog: true, MaxPayload: maxPayload,
		JetStream: true, StoreDir: o.Dir, JetStreamMaxStore: o.StoreBytes,
	})
	if err != nil {
		t.Fatalf("configure NATS: %v", err)
	}
	s := &Server{nats: nats}
	t.Cleanup(s.Stop)
	go nats.Start()
	if !nats.ReadyForConnections(startWithin) {
		t.Fatal("NATS was not ready in time")
	}
	return s
}

// URL is where clients reach the server.
func (s *Server) URL() string { return s.nats.ClientURL() }

// Stop ends the server once its files are closed.
func (s *Server) Stop() {
	s.stop.Do(func() {
		s.nats.Shutdown()
		s.nats.WaitForShutdown()
	})
}
