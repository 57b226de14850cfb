package live

import (
	"context"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// Store is where usage is kept.
type Store interface {
	// LiveBase reads what is wanted, and which batches that counts, all as of one
	// moment. Scopes without usage may be left out.
	LiveBase(ctx context.Context, w Wanted) (Base, error)
}

// Wanted says what a base shall have.
type Wanted struct {
	Now      time.Time
	Day      time.Time // midnight in UTC
	Scopes   []Scope   // whose usage of the day
	Accounts bool      // the usage of the day by account
	Since    time.Time // from when on the usage by minute and account; zero: none
}

// Base is what the store had at one moment. Its cells have one scope each.
type Base struct {
	Committed map[wire.SourceID]Sequences // of all sources that were heard from lately
	Scopes    map[Scope]Counts
	Accounts  map[controlplane.ID]Counts
	Minutes   []Cell // by account
}

// Sequences are the batches of one source that are committed.
type Sequences struct {
	Through uint64   // all up to this one
	Ahead   []uint64 // and these
}

func (s Sequences) has(sequence uint64) bool {
	if sequence <= s.Through {
		return true
	}
	for _, n := range s.Ahead {
		if n == sequence {
			return true
		}
	}
	return false
}

// share says how much of a delta a base has.
type share int

const (
	nothing share = iota
	everything
	some // the batches were committed in several transactions, and the base was read between them
)

func (b *Base) shareOf(d *Delta) share {
	has := 0
	for _, id := range d.Batches {
		if b.Committed[id.Source].has(id.Sequence) {
			has++
		}
	}
	switch has {
	case 0:
		return nothing
	case len(d.Batches):
		return everything
	}
	return some
}
