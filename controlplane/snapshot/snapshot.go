// Package snapshot keeps the newest compiled policy at hand for the edge.
//
// In come the policy's versions from the database; out goes, to whoever waits
// for something newer than what he has, the update that brings him there: what
// changed since, when this publisher itself compiled what he has, and else
// everything. It also sees to it that overrides and trials end, and accounts
// move, in time: see Run.
//
// After a crash the policy is compiled anew: the database is authoritative.
// While the database is away the last snapshot stays.
package snapshot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/book"
)

// Publisher holds the newest snapshot.
type Publisher struct {
	db     *postgres.DB
	reader *postgres.PolicyReader // of the loop of Run alone
	log    *slog.Logger

	mu      sync.Mutex
	changes book.Changes
	encoded map[uint64][]byte // updates to the latest version, by base; never written to once they are here
	newer   chan struct{}     // closed when a newer version takes its place
}

// New returns a publisher without a snapshot; Run gets it one.
func New(db *postgres.DB, log *slog.Logger) *Publisher {
	return &Publisher{db: db, reader: db.PolicyReader(), log: log, newer: make(chan struct{})}
}

const (
	retryAfter = 250 * time.Millisecond
	// A notification can't get lost, but a database behind a proxy may not pass
	// it on, and the connection may be dead without our knowing.
	checkEvery = time.Second
	// maxEncoded bounds the updates that are kept encoded. Filters are nearly all
	// at the version before the latest.
	maxEncoded = 16
)

// Run keeps the snapshot up to date until ctx ends. Beside that, in a loop of its own
// that may take its time, it carries out what is due: at the moment at which an
// override ends it takes that out of the policy, when a trial ends it hands the account
// over, and it moves accounts to other versions when they are to go; what was due while
// nobody ran it, at once. Any number of publishers may do so at once: the policy changes
// once.
func (p *Publisher) Run(ctx context.Context) {
	changed, due := make(chan struct{}, 1), make(chan struct{}, 1)
	var loops sync.WaitGroup
	defer loops.Wait()
	loops.Go(func() { p.watch(ctx, changed, due) })
	loops.Go(func() { p.repeat(ctx, due, "could not carry out what is due", p.carryOut) })
	p.repeat(ctx, changed, "kept the last snapshot", p.refresh)
}

// watch wakes whoever waits for changes of the policy.
func (p *Publisher) watch(ctx context.Context, waiting ...chan struct{}) {
	signal := func() {
		for _, w := range waiting {
			select {
			case w <- struct{}{}:
			default:
			}
		}
	}
	for ctx.Err() == nil {
		if err := p.db.WatchPolicy(ctx, signal); ctx.Err() == nil {
			p.log.Warn("the policy watch broke off; starting over", "err", err)
			wait(ctx, retryAfter)
		}
	}
}

// repeat does something again and again: when woken, and after the time that it says.
func (p *Publisher) repeat(ctx context.Context, wake <-chan struct{}, fault string, do func(context.Context) (time.Duration, error)) {
	check := time.NewTimer(checkEvery)
	defer check.Stop()
	for ctx.Err() == nil {
		next, err := do(ctx)
		if err != nil && ctx.Err() == nil {
			p.log.Error(fault, "snapshot", p.Version(), "err", err)
			wait(ctx, retryAfter)
		}
		check.Reset(next)
		select {
		case <-wake:
		case <-check.C:
		case <-ctx.Done():
		}
	}
}

// refresh gets the newest policy.
func (p *Publisher) refresh(ctx context.Context) (next time.Duration, err error) {
	state, err := p.db.PolicyState(ctx)
	if err != nil || state.Version == p.Version() {
		return checkEvery, err
	}
	return checkEvery, p.compile(ctx)
}

// carryOut does what is due, and says when to look again.
func (p *Publisher) carryOut(ctx context.Context) (next time.Duration, err error) {
	state, err := p.db.PolicyState(ctx)
	if err == nil && state.NextEnd == 0 {
		if err = errors.Join(p.db.EndOverrides(ctx), p.db.EndTrials(ctx), p.db.CarryOutMoves(ctx)); err == nil {
			state, err = p.db.PolicyState(ctx)
		}
	}
	if err != nil || state.NextEnd < 0 {
		return checkEvery, err
	}
	return min(checkEvery, state.NextEnd), nil
}

func (p *Publisher) compile(ctx context.Context) error {
	policy, err := p.reader.Read(ctx)
	if err != nil {
		return err
	}
	p.mu.Lock()
	previous := p.changes.Latest()
	p.mu.Unlock()
	set, err := book.Compile(policy, previous)
	if err != nil {
		return fmt.Errorf("compile snapshot %d: %w", policy.Version, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes.Add(set)
	p.encoded = map[uint64][]byte{}
	close(p.newer)
	p.newer = make(chan struct{})
	return nil
}

// Version returns the version of the snapshot at hand, 0 if there is none.
func (p *Publisher) Version() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.version()
}

func (p *Publisher) version() uint64 {
	if latest := p.changes.Latest(); latest != nil {
		return latest.Version
	}
	return 0
}

// Ready waits for as long as ctx does until there is a snapshot.
func (p *Publisher) Ready(ctx context.Context) error {
	if !p.await(ctx, 0) {
		return errors.New("there is no snapshot of the policy yet")
	}
	return nil
}

// Newer waits for a snapshot of a later version than have, and returns the
// encoded update that brings a filter with version have there; with have 0, the
// whole. When ctx ends first, ok is false.
func (p *Publisher) Newer(ctx context.Context, have uint64) (update []byte, version uint64, ok bool, err error) {
	if !p.await(ctx, have) {
		return nil, 0, false, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if update, err = p.since(have); err != nil {
		return nil, 0, false, fmt.Errorf("encode the update from %d: %w", have, err)
	}
	return update, p.version(), true, nil
}

// since returns the update from a version to the latest, from memory if it was
// asked for before. The lock is held.
func (p *Publisher) since(have uint64) ([]byte, error) {
	update, known := p.changes.Since(have)
	if !known {
		update, have = p.changes.Latest().Update(), 0
	}
	if data, ok := p.encoded[have]; ok {
		return data, nil
	}
	data, err := book.EncodeUpdate(nil, update)
	if err == nil && len(p.encoded) < maxEncoded {
		p.encoded[have] = data
	}
	return data, err
}

// await waits for a later version than have.
func (p *Publisher) await(ctx context.Context, have uint64) bool {
	for {
		p.mu.Lock()
		version, newer := p.version(), p.newer
		p.mu.Unlock()
		if version > have {
			return true
		}
		select {
		case <-newer:
		case <-ctx.Done():
			return false
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
