package usage

import (
	"maps"
	"slices"
)

// Ledger knows which sequences of one source have been counted: all up to a
// number, and a few beyond it that came out of order.
type Ledger struct {
	committed uint64
	ahead     map[uint64]struct{}
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
	for {
		if _, ok := l.ahead[l.committed+1]; !ok {
			return true
		}
		l.committed++
		delete(l.ahead, l.committed)
	}
}

// Committed returns the number up to which every sequence has been counted.
func (l *Ledger) Committed() uint64 { return l.committed }

// Ahead returns the sequences beyond Committed that have been counted, sorted.
func (l *Ledger) Ahead() []uint64 { return slices.Sorted(maps.Keys(l.ahead)) }
