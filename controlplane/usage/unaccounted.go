package usage

import (
	"time"

	"github.com/weirhq/weir/controlplane"
)

// Source is what is known of a source at some moment.
type Source struct {
	Ledger       *Ledger
	Lost         int64 // batches given up so far
	Committed    int64 // its requests in the rollups
	BatchCounted int64 // requests it had counted up to its highest batch in the rollups
	Counted      int64 // requests it is known to have counted
	Silent       bool  // for so long that it has ended

	BeganAt  time.Time // by its own clock
	FrozenAt time.Time // of its highest batch in the rollups, by its own clock
	LastAt   time.Time // when a batch of it was last added to the rollups
	LostFrom time.Time // between when and when batches were lost; zero: none were
	LostEnd  time.Time
}

// The kinds of unaccounted usage.
const (
	Gap    = "GAP"
	Silent = "SILENT"
)

// Missing is usage that was counted and isn't in the rollups.
type Missing struct {
	Kind    string
	From    time.Time // when it was counted: after this
	Until   time.Time // and before this; zero: nobody knows
	AtLeast int64     // requests
	AtMost  *int64    // requests; nil: nobody knows
	Batches int64     // of a gap
	Counted int64     // by the source, as is known now
}

// OpenMissing is usage that was found missing and hasn't come since.
type OpenMissing struct {
	ID controlplane.ID
	Missing
}

// Account returns what is to be written about a source, given what is open: which
// of those have come, and what is missing beside the others.
//
// What its batches in the rollups leave open is a gap, and exact: each batch says
// how much its source had counted by then. A gap is looked for when a batch was
// given up, and when the source has ended. What it counted after its highest batch
// is lost with it when it falls silent: at least as much as it said, and whatever it
// counted unheard. How much that was, nobody knows: it may have been cut off, and have
// gone on for long and faster than before. So each source that ends leaves a row, one
// that had counted nothing, too.
func (s Source) Account(open []OpenMissing) (resolved []controlplane.ID, found []Missing) {
	var gaps, silences []OpenMissing
	for _, o := range open {
		if o.Kind == Gap {
			gaps = append(gaps, o)
		} else {
			silences = append(silences, o)
		}
	}
	resolved, found = s.accountGaps(gaps)
	gone, more := s.accountSilence(silences)
	return append(resolved, gone...), append(found, more...)
}

// Settled says whether nothing of the source is on its way, as far as one can know.
func (s Source) Settled() bool { return s.Silent || len(s.Ledger.Ahead()) == 0 }

func (s Source) accountGaps(open []OpenMissing) (resolved []controlplane.ID, found []Missing) {
	if !s.Settled() {
		return nil, nil
	}
	gap := Missing{Kind: Gap, From: s.LostFrom, Until: s.LostEnd, Batches: s.Lost + s.holes(), Counted: s.BatchCounted}
	gap.AtLeast = max(0, s.BatchCounted-s.Committed)
	if gap.From.IsZero() {
		gap.From, gap.Until = s.BeganAt, s.LastAt
	}
	rest := gap
	for _, o := range open {
		rest.AtLeast -= o.AtLeast
		rest.Batches -= o.Batches
	}
	if rest.AtLeast < 0 || rest.Batches < 0 {
		// Some has come. What is still missing is found anew.
		for _, o := range open {
			resolved = append(resolved, o.ID)
		}
		rest = gap
	}
	if rest.AtMost = new(rest.AtLeast); rest.AtLeast > 0 {
		found = append(found, rest)
	}
	return resolved, found
}

// holes returns how many batches before the highest one never came.
func (s Source) holes() int64 {
	ahead := s.Ledger.Ahead()
	if len(ahead) == 0 {
		return 0
	}
	return int64(ahead[len(ahead)-1]-s.Ledger.Committed()) - int64(len(ahead))
}

func (s Source) accountSilence(open []OpenMissing) (resolved []controlplane.ID, found []Missing) {
	if !s.Silent {
		for _, o := range open {
			// It lives, so what it may have counted unheard is in its hands. What
			// it was known to have counted must have come.
			if s.Settled() && s.BatchCounted >= o.Counted {
				resolved = append(resolved, o.ID)
			}
		}
		return resolved, nil
	}
	silence := Missing{Kind: Silent, From: s.FrozenAt, AtLeast: max(0, s.Counted-s.BatchCounted), Counted: s.Counted}
	for _, o := range open {
		if o.AtLeast == silence.AtLeast && o.Counted == silence.Counted {
			return resolved, nil
		}
		resolved = append(resolved, o.ID)
	}
	return resolved, append(found, silence)
}
