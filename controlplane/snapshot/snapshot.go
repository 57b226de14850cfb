// Package snapshot keeps the newest compiled policy at hand for the edge.
//
// In come the policy's versions from the database; out goes the newest snapshot
// to whoever waits for one. After a crash it is compiled anew: the database is
// authoritative. While the database is away the last snapshot stays.
package snapshot

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

// Publisher holds the newest snapshot.
type Publisher struct {
	db  *postgres.DB
	log *slog.Logger

	mu      sync.Mutex
	version uint64        // 0: none yet
	data    []byte        // never written to once it is here
	newer   chan struct{} // closed when a newer one takes its place
}

// New returns a publisher without a snapshot; Run gets it one.
func New(db *postgres.DB, log *slog.Logger) *Publisher {
	return &Publisher{db: db, log: log, newer: make(chan struct{})}
}

const (
	retryAfter = 250 * time.Millisecond
	// A notification can't get lost, but a database behind a proxy may not pass
	// it on, and the connection may be dead without our knowing.
	checkEvery = time.Second
)

// Run keeps the snapshot up to date until ctx ends.
func (p *Publisher) Run(ctx context.Context) {
	stale := make(chan struct{}, 1)
	signal := func() {
		select {
		case stale <- struct{}{}:
		default:
		}
	}
	go func() {
		for ctx.Err() == nil {
			if err := p.db.WatchPolicy(ctx, signal); ctx.Err() == nil {
				p.log.Warn("the policy watch broke off; starting over", "err", err)
				wait(ctx, retryAfter)
			}
		}
	}()
	check := time.NewTicker(checkEvery)
	defer check.Stop()
	for ctx.Err() == nil {
		if err := p.refresh(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("kept the last snapshot", "version", p.Version(), "err", err)
			wait(ctx, retryAfter)
		}
		select {
		case <-stale:
		case <-check.C:
		case <-ctx.Done():
		}
	}
}

func (p *Publisher) refresh(ctx context.Context) error {
	version, err := p.db.PolicyVersion(ctx)
	if err != nil || version == p.Version() {
		return err
	}
	policy, err := p.db.Policy(ctx)
	if err != nil {
		return err
	}
	data, err := wire.Compile(policy)
	if err != nil {
		return fmt.Errorf("compile snapshot %d: %w", policy.Version, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.version, p.data = policy.Version, data
	close(p.newer)
	p.newer = make(chan struct{})
	return nil
}

// Version returns the version of the snapshot at hand, 0 if there is none.
func (p *Publisher) Version() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.version
}

// Newer waits for a snapshot of a later version than have, and returns it. When
// ctx ends first, ok is false.
func (p *Publisher) Newer(ctx context.Context, have uint64) (data []byte, version uint64, ok bool) {
	for {
		p.mu.Lock()
		data, version, newer := p.data, p.version, p.newer
		p.mu.Unlock()
		if version > have {
			return data, version, true
		}
		select {
		case <-newer:
		case <-ctx.Done():
			return nil, 0, false
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
