package faults

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"

	"github.com/weirhq/weir/controlplane/embedded/postgres"
)

// database is a Postgres that can be killed and started again.
type database struct {
	mu     sync.Mutex
	config postgres.Config
	server *postgres.Server // nil while it is down
	link   string           // its URL
}

func startDatabase(ctx context.Context, c postgres.Config) (*database, error) {
	addrs, err := freeAddrs(1)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Sscanf(addrs[0], "127.0.0.1:%d", &c.Port); err != nil {
		return nil, err
	}
	d := &database{config: c}
	return d, d.up(ctx)
}

func (d *database) addr() string { return fmt.Sprintf("127.0.0.1:%d", d.config.Port) }
func (d *database) url() string  { return d.link }

// urlAt is the database's URL behind another address.
func (d *database) urlAt(addr string) string { return strings.Replace(d.link, d.addr(), addr, 1) }

// up starts it unless it runs.
func (d *database) up(ctx context.Context) (err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server != nil {
		return nil
	}
	if d.server, err = postgres.Start(ctx, d.config); err == nil {
		d.link = d.server.URL()
	}
	return err
}

// kill ends it with SIGKILL.
func (d *database) kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		return
	}
	killTree(d.server.PID())
	<-d.server.Done()
	_ = d.server.Stop(context.Background()) // releases its directory
	d.server = nil
}

func (d *database) end() {
	d.signal(syscall.SIGCONT)
	d.kill()
}

// signal sends a signal to all its processes.
func (d *database) signal(s syscall.Signal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server != nil {
		signalTree(d.server.PID(), s)
	}
}

// killOne kills the n-th process beside the first; the server then ends all
// sessions and recovers.
func (d *database) killOne(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server == nil {
		return
	}
	if children := childrenOf(d.server.PID()); len(children) > 0 {
		_ = syscall.Kill(children[n%len(children)], syscall.SIGKILL) // it may have ended
	}
}
