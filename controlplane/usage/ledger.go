package usage

import (
	"maps"
	"slices"

	"github.com/weirhq/weir/plugin/wire"
)

// Ledger knows which sequences of one source have been counted: all up to a
// number, and a few beyond it that came out of order.
//
// A source makes batch s only once it was told that all up to s-MaxFrozen are
// committed. A batch further ahead than that shows that the database has lost
// commits, as after a failover to a standby that lagged. What lay between was
// forgotten by its source and never comes again, so the ledger gives it up,
// says how much it was, and goes on; otherwise nothing of that source would ever
// count as committed again.
type Ledger struct {
	committed uint64
	ahead     map[uint64]struct{}
	lost      uint64
}

// NewLedger returns the ledger of a source whose sequences up to committed have
// been counted.
func NewLedger(committed uint64) *Ledger {
	return &Ledger{committed: committed, ahead: map[uint64]struct{}{}}
}

// Claim counts a sequence, and says whether it had not been counted before.
func (l *Ledger) Claim(sequence uint64) bool {
	if _, ok := l.ahead[sequence]; ok || sequence <= l.committed {
		return false
	}
	l.ahead[sequence] = struct{}{}
	if sequence > wire.MaxFrozen {
		l.giveUp(sequence - wire.MaxFrozen)
	}
	for {
		if _, ok := l.ahead[l.committed+1]; !ok {
			return true
		}
		l.committed++
		delete(l.ahead, l.committed)
	}
}

// giveUp takes everything up to a number as counted or lost.
func (l *Ledger) giveUp(through uint64) {
	if through <= l.committed {
		return
	}
	l.lost += through - l.committed
	l.committed = through
	maps.DeleteFunc(l.ahead, func(sequence uint64, _ struct{}) bool {
		if sequence > through {
			return false
		}
		l.lost--
		return true
	})
}

// Committed returns the number up to which every sequence has been counted.
func (l *Ledger) Committed() uint64 { return l.committed }

// Lost returns how many sequences were given up since the ledger was made.
func (l *Ledger) Lost() uint64 { return l.lost }

// Ahead returns the sequences beyond Committed that have been counted, sorted.
func (l *Ledger) Ahead() []uint64 { return slices.Sorted(maps.Keys(l.ahead)) }
