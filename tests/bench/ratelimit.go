package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/weirhq/weir/controlplane/embedded/checkout"
	"github.com/weirhq/weir/controlplane/embedded/process"
)

const rateLimitDomain = "bench"

// rateLimits are three limits for each key, as Weir has them.
const rateLimits = `
domain: bench
descriptors:
  - key: key
    descriptors:
      - { key: limit, value: per-second, rate_limit: { unit: second, requests_per_unit: 1000000000 } }
      - { key: limit, value: per-minute, rate_limit: { unit: minute, requests_per_unit: 1000000000 } }
      - { key: limit, value: items-per-hour, rate_limit: { unit: hour, requests_per_unit: 1000000000 } }
`

// redisServer finds the program.
func redisServer() (string, error) {
	name := os.Getenv("REDIS_SERVER")
	if name == "" {
		name = "redis-server"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("there is no %s; run apt-get install redis-server, or set REDIS_SERVER to the path of one", name)
	}
	return path, nil
}

// rateLimitService is ratelimit and its Redis.
type rateLimitService struct {
	address string // of its gRPC
	parts   []*process.Process
}

// startRateLimit starts them, with everything kept in memory.
func startRateLimit(top checkout.Checkout, dir string) (s *rateLimitService, err error) {
	redis, err := redisServer()
	if err != nil {
		return nil, err
	}
	service := filepath.Join(string(top), ".tools", "ratelimit", "ratelimit")
	if _, err := os.Stat(service); err != nil {
		return nil, errors.New("there is no ratelimit; run make bench-tools")
	}
	config := filepath.Join(dir, "runtime", "config")
	if err := os.MkdirAll(config, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(config, "bench.yaml"), []byte(rateLimits), 0o600); err != nil {
		return nil, err
	}
	var at [4]string
	for i := range at {
		if at[i], err = freeAddress(); err != nil {
			return nil, err
		}
	}
	s = &rateLimitService{address: at[1]}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	if err := s.add(dir, at[0], nil, redis, "--bind", "127.0.0.1", "--port", portOf(at[0]), "--save", "", "--appendonly", "no"); err != nil {
		return s, err
	}
	return s, s.add(dir, at[1], []string{
		"REDIS_SOCKET_TYPE=tcp", "REDIS_URL=" + at[0], "USE_STATSD=false", "LOG_LEVEL=error",
		"RUNTIME_ROOT=" + dir, "RUNTIME_SUBDIRECTORY=runtime", "RUNTIME_WATCH_ROOT=false", "RUNTIME_IGNOREDOTFILES=true",
		"HOST=127.0.0.1", "GRPC_HOST=127.0.0.1", "DEBUG_HOST=127.0.0.1",
		"GRPC_PORT=" + portOf(at[1]), "PORT=" + portOf(at[2]), "DEBUG_PORT=" + portOf(at[3]),
	}, service)
}

func (s *rateLimitService) add(dir, address string, environment []string, program string, arguments ...string) error {
	command := exec.Command(program, arguments...)
	command.Dir = dir
	command.Env = append(environment, "PATH=/usr/bin:/bin")
	tail := &process.Tail{}
	command.Stdout, command.Stderr = tail, tail
	p, err := process.Start(command, syscall.SIGKILL)
	if err != nil {
		return err
	}
	s.parts = append(s.parts, p)
	if err := awaitListener(p, address); err != nil {
		return fmt.Errorf("%w: %s", err, tail.LastLine(""))
	}
	return nil
}

func (s *rateLimitService) pids() (all []int) {
	for _, p := range s.parts {
		all = append(all, p.PID())
	}
	return all
}

// stop ends what was started last first.
func (s *rateLimitService) stop() (err error) {
	for i := len(s.parts) - 1; i >= 0; i-- {
		_, stopErr := s.parts[i].Stop(context.Background(), process.Step{Signal: syscall.SIGTERM, Within: 5 * time.Second})
		err = errors.Join(err, stopErr)
	}
	return err
}

func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

// awaitListener waits until a child listens.
func awaitListener(p *process.Process, address string) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.Done():
			return fmt.Errorf("what was to listen on %s ended with %s", address, p.Ending())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("nothing listens on %s after 30 s", address)
		}
	}
}
