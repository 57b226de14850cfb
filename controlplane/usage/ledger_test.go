package usage_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/meter"
	"github.com/weirhq/weir/plugin/wire"
)

// A source sends what isn't committed in any order and any number of times, and
// makes a new batch when it was told that there is room for one.
func TestLedgerClaimsEachSequenceOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ledger := usage.NewLedger(0)
		claimed := map[uint64]bool{}
		for range rapid.IntRange(0, 60).Draw(t, "messages") {
			n := rapid.Uint64Range(1, ledger.Committed()+wire.MaxFrozen).Draw(t, "sequence")
			if got := ledger.Claim(n); got == claimed[n] {
				t.Fatalf("Claim(%d) = %v after it was claimed: %v", n, got, claimed[n])
			}
			claimed[n] = true
			ledger = restored(ledger)
			for want := range ledger.Committed() {
				if !claimed[want+1] {
					t.Fatalf("committed through %d, but %d never came", ledger.Committed(), want+1)
				}
			}
		}
		if ledger.Lost() != 0 {
			t.Fatalf("%d batches given up, and none was lost", ledger.Lost())
		}
	})
}

// restored is the ledger as the next process reads it.
func restored(l *usage.Ledger) *usage.Ledger {
	next := usage.NewLedger(l.Committed())
	for _, a := range l.Ahead() {
		next.Claim(a)
	}
	return next
}

func TestLedgerGivesUpWhatTheDatabaseLost(t *testing.T) {
	const second = 1_000_000_000
	m := meter.New(meter.Config{Source: wire.SourceID{1}, Node: "a", FlushEveryNS: second})
	ledger := usage.NewLedger(0)
	var counted, now int64
	minute := func() {
		for range 60 {
			now += second
			m.Count(meter.Sample{EntryKey: wire.EntryKey{Minute: 1, Decision: wire.Allowed}})
			send, ok := m.Next(now, 0, 0)
			if !ok {
				continue
			}
			b, err := wire.DecodeBatch(send.Body)
			if err != nil {
				t.Fatal(err)
			}
			if b.Sequence > 0 && ledger.Claim(b.Sequence) {
				for _, e := range b.Entries {
					counted += int64(e.Requests)
				}
			}
			if err := m.Received(send.Sequence, wire.Receipt{Accepted: send.Sequence, Committed: ledger.Committed()}, now); err != nil {
				t.Fatal(err)
			}
		}
	}
	minute()
	lost := int64(2) // one request a batch
	ledger = usage.NewLedger(ledger.Committed() - uint64(lost))
	counted -= lost
	minute()
	pending, _ := m.Pending()
	if counted+int64(pending)+lost != 120 || pending > 1 {
		t.Errorf("of 120 requests %d are counted and %d pending; want all but the %d lost", counted, pending, lost)
	}
	if ledger.Lost() != uint64(lost) {
		t.Errorf("%d batches given up, want %d", ledger.Lost(), lost)
	}
}

func TestLedgerTakesAFarJumpAtOnce(t *testing.T) {
	ledger := usage.NewLedger(3)
	ledger.Claim(5)
	if !ledger.Claim(wire.MaxNumber) || ledger.Committed() != wire.MaxNumber-wire.MaxFrozen {
		t.Errorf("committed through %d, want %d", ledger.Committed(), uint64(wire.MaxNumber-wire.MaxFrozen))
	}
	if want := uint64(wire.MaxNumber - wire.MaxFrozen - 3 - 1); ledger.Lost() != want {
		t.Errorf("%d given up, want %d", ledger.Lost(), want)
	}
}
