package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane/cli"
	"github.com/weirhq/weir/controlplane/postgres"
)

// cutting passes connections on to a database, and cuts each of them after so many bytes
// of its answers as limits has for it; those beyond are whole.
type cutting struct {
	to string

	mu     sync.Mutex
	limits []int64
	passed int64 // bytes of answers
}

func (c *cutting) serve(t *testing.T) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			go c.pass(from)
		}
	}()
	return listener.Addr().String()
}

func (c *cutting) pass(from net.Conn) {
	defer from.Close()
	to, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer to.Close()
	c.mu.Lock()
	limit := int64(1) << 40
	if len(c.limits) > 0 {
		limit, c.limits = c.limits[0], c.limits[1:]
	}
	c.mu.Unlock()
	go io.Copy(to, from)
	_, _ = io.CopyN(io.MultiWriter(c, from), to, limit) // its end is the connection's
}

// Write counts what passes.
func (c *cutting) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += int64(len(p))
	return len(p), nil
}

// terminal is one whose time costs none.
func terminal(out, errs io.Writer) *cli.Terminal {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return &cli.Terminal{Out: out, Err: errs, Now: func() time.Time { return now }, Wait: func(ctx context.Context, d time.Duration) error {
		now = now.Add(d)
		return ctx.Err()
	}}
}

func TestAnAuditExportGoesOnWhereItsConnectionBroke(t *testing.T) {
	database := databases.New(t)
	db, err := postgres.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i := range 2_100 { // of which 1,000 are read at once
		if _, _, err := db.CreateEndpointGroup(t.Context(), fmt.Sprint("Group ", i)); err != nil {
			t.Fatal(err)
		}
	}
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	line := &cutting{to: u.Host}
	u.Host = line.serve(t)
	t.Setenv("DATABASE_URL", u.String())
	export := func(c auditExportCommand, limits ...int64) (text, told string, passed int64, err error) {
		line.mu.Lock()
		line.limits, line.passed = limits, 0
		line.mu.Unlock()
		var out, errs bytes.Buffer
		err = c.Run(signals{run: t.Context()}, terminal(&out, &errs))
		line.mu.Lock()
		defer line.mu.Unlock()
		return out.String(), errs.String(), line.passed, err
	}
	for _, command := range []auditExportCommand{{Format: "ndjson"}, {Format: "csv"}, {Format: "ndjson", Action: []string{"CREATE_ENDPOINT_GROUP"}}} {
		whole, _, size, err := export(command)
		if err != nil || whole == "" {
			t.Fatal(err)
		}
		for _, cuts := range [][]int64{{size * 9 / 10}, {size / 2, size / 3, 7}, {size * 99 / 100, 0, 0, 0, 0, 0, 0}} {
			text, told, _, err := export(command, cuts...)
			if text != whole || err != nil || !strings.Contains(told, "the connection to the database broke") || len(line.limits) > 0 {
				t.Errorf("%+v, cut after %v: %d bytes instead of %d, %v\n%s", command, cuts, len(text), len(whole), err, told)
			}
		}
	}
	t.Run("and reads nothing of what was written again", func(t *testing.T) {
		command := auditExportCommand{Format: "ndjson"}
		_, _, size, _ := export(command)
		at := size * 98 / 100 // in the last 100 records
		if _, told, passed, err := export(command, at); err != nil || !strings.Contains(told, "after record 2000;") || passed > size*12/10 {
			t.Errorf("%d bytes passed instead of %d, %v\n%s", passed, size, err, told)
		}
	})
	t.Run("as of the moment that it began at", func(t *testing.T) {
		command := auditExportCommand{Format: "ndjson"}
		whole, _, size, _ := export(command)
		line.mu.Lock()
		line.limits = []int64{size / 2}
		line.mu.Unlock()
		var out bytes.Buffer
		on := terminal(&out, io.Discard)
		wait := on.Wait
		on.Wait = func(ctx context.Context, d time.Duration) error {
			if _, _, err := db.CreateEndpointGroup(ctx, fmt.Sprint("Meanwhile ", d)); err != nil {
				return err
			}
			return wait(ctx, d)
		}
		if err := command.Run(signals{run: t.Context()}, on); err != nil || out.String() != whole {
			t.Errorf("%d bytes instead of %d, %v", out.Len(), len(whole), err)
		}
	})
	t.Run("but not for ever", func(t *testing.T) {
		command := auditExportCommand{Format: "ndjson", Destination: cli.Destination{File: t.TempDir() + "/audit.ndjson"}}
		_, _, size, _ := export(auditExportCommand{Format: "ndjson"})
		limits := make([]int64, 100)
		limits[0] = size * 9 / 10
		_, told, _, err := export(command, limits...)
		if _, there := os.Stat(command.File); err == nil || !strings.Contains(err.Error(), "for 1m0s and came no further") || there == nil || !strings.Contains(told, "for another 60 s") {
			t.Errorf("%v\n%s", err, told)
		}
	})
}
