// Package certs gives listeners their certificates, and says whose certificates
// they take.
//
// In come the names of PEM files; out goes a TLS configuration. The files may be
// replaced while a listener serves: the next handshake finds the new ones. What
// can't be read, or doesn't fit together yet, leaves the last good ones in use.
// It keeps nothing else.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Files names PEM files. Without any a listener speaks no TLS.
type Files struct {
	Certificate string // the listener's certificate, and those between it and the root
	Key         string // its private key
	ClientCA    string // who signs clients' certificates; empty: clients show none
}

// Any says whether a file is named.
func (f Files) Any() bool { return f != Files{} }

// Source is a listener's certificates as the files last had them.
type Source struct {
	files Files
	log   *slog.Logger

	mu    sync.Mutex
	seen  [3]state // of the files when they were last read
	fault string   // why that failed; empty: it didn't
	now   *tls.Config
}

// state is what changes about a file when it is replaced.
type state struct {
	at   time.Time
	size int64
}

// Open reads the files. Errors name the file at fault.
func Open(f Files, log *slog.Logger) (*Source, error) {
	if f.Certificate == "" || f.Key == "" {
		return nil, errors.New("name a certificate and its key, both")
	}
	s := &Source{files: f, log: log}
	s.seen = s.look()
	var err error
	s.now, err = f.load()
	return s, err
}

// Config returns what a listener serves with.
func (s *Source) Config() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.current(), nil },
	}
}

// current returns what is to be used now. It looks at the files at each
// handshake, which costs a hundredth of the handshake.
func (s *Source) current() *tls.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.look()
	if seen == s.seen && s.fault == "" {
		return s.now
	}
	// Files that are replaced one after the other don't fit for a moment, so a
	// fault is tried again each time, but told once.
	fresh, err := s.files.load()
	switch {
	case err == nil:
		s.now, s.fault = fresh, ""
		s.log.Info("took new certificates", "certificate", s.files.Certificate)
	case err.Error() != s.fault:
		s.fault = err.Error()
		s.log.Warn("could not take new certificates; the old ones stay", "err", err)
	}
	s.seen = seen
	return s.now
}

func (s *Source) look() (seen [3]state) {
	for i, name := range []string{s.files.Certificate, s.files.Key, s.files.ClientCA} {
		if info, err := os.Stat(name); name != "" && err == nil {
			seen[i] = state{info.ModTime(), info.Size()}
		}
	}
	return seen
}

func (f Files) load() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return nil, fmt.Errorf("read certificate %s with key %s: %w", f.Certificate, f.Key, err)
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"},
	}
	if f.ClientCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(f.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("read who signs clients' certificates: %w", err)
	}
	config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read who signs clients' certificates: %s holds no certificate in PEM", f.ClientCA)
	}
	return config, nil
}
