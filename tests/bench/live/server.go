package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
)

// addresses is what a server tells its parent.
type addresses struct{ GraphQL, Stock, Edge, Token string }

// serve runs a control plane until its input ends.
func serve(ctx context.Context, arguments []string) (err error) {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	database := flags.String("database", "", "URL")
	withStock := flags.Bool("stock", false, "serve gqlgen's own transport too, with traffic of its own")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	store, err := os.MkdirTemp("", "weir-bench-live-nats-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(store)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	a, err := app.Open(ctx, app.Config{
		DatabaseURL: *database, StoreDir: store, HTTPAddr: "127.0.0.1:0", EdgeAddr: "127.0.0.1:0", PublicURL: "http://weir.example",
		NodeToken: nodeToken, Log: log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close(context.WithoutCancel(ctx))) }()
	secret := controlplane.NewSecret("")
	if err := a.DB().SetAPIToken(ctx, "bench", secret); err != nil {
		return err
	}
	var stock string
	if *withStock {
		if stock, err = serveStock(ctx, a.DB(), log); err != nil {
			return err
		}
	}
	err = json.NewEncoder(os.Stdout).Encode(addresses{GraphQL: a.HTTPAddr(), Stock: stock, Edge: a.EdgeAddr(), Token: secret.Reveal()})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// server is a control plane in a process of its own.
type server struct {
	addresses
	command *exec.Cmd
	input   io.Closer
	log     *os.File
}

func startServer(ctx context.Context, p plan, stock bool) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{command: exec.CommandContext(ctx, self, "serve", "-database", p.database, fmt.Sprintf("-stock=%t", stock))}
	if s.log, err = os.Create(p.stack); err != nil {
		return nil, err
	}
	s.command.Stderr = s.log
	if s.input, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s.addresses)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the server did not start: %w", err), s.stop())
	}
	return s, nil
}

func (s *server) stop() error {
	err := errors.Join(s.input.Close(), s.command.Wait())
	if text, readErr := os.ReadFile(s.log.Name()); err != nil && readErr == nil {
		err = fmt.Errorf("%w\n%s", err, text[max(0, len(text)-2000):])
	}
	return errors.Join(err, s.log.Close())
}

// cpu is the user and system time of the server so far; see clock_getcpuclockid(3).
func (s *server) cpu() (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED of the kernel
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^s.command.Process.Pid<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("read the CPU time of the server: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
