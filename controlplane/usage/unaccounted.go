package usage

import (
	"math"
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
	Busiest      int64 // the most it counted in a second, between two words of it
	Silent       bool  // for so long that it has ended

	BeganAt  time.Time // by its own clock
	FrozenAt time.Time // of its highest batch in the rollups, by its own clock
	LastAt   time.Time // when a batch of it was last added to the rollups
	LostFrom time.Time // between when and when batches were lost; zero: none were
	LostEnd  time.Time
	HeardAt  time.Time // of its last word
	NextAt   time.Time // of the first word of one that took its place, so that it had ended; zero: none did
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
// counted unheard. How long that went on is known only when another took its place:
// no longer than until then, and no faster than in its busiest second. Otherwise it
// may have been cut off and have gone on for long, and there is no upper bound. What
// is 0 at most, as of a source that never counted anything, isn't missing.
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
	silence := Missing{Kind: Silent, From: s.FrozenAt, Until: s.NextAt, Counted: s.Counted}
	silence.AtLeast = max(0, s.Counted-s.BatchCounted)
	if !s.NextAt.IsZero() {
		silence.AtMost = new(silence.AtLeast + min(s.unheard(), maxRequests-silence.AtLeast))
	}
	for _, o := range open {
		if o.AtLeast == silence.AtLeast && equal(o.AtMost, silence.AtMost) && o.Counted == silence.Counted {
			return resolved, nil
		}
		resolved = append(resolved, o.ID)
	}
	if silence.AtLeast > 0 || s.Busiest > 0 {
		found = append(found, silence)
	}
	return resolved, found
}

// unheard is how much the source may have counted after its last word, when another
// has taken its place.
func (s Source) unheard() int64 {
	seconds := max(1, int64(math.Ceil(s.NextAt.Sub(s.HeardAt).Seconds())))
	if s.Busiest > maxRequests/seconds {
		return maxRequests
	}
	return s.Busiest * seconds
}

func equal(a, b *int64) bool { return a == b || a != nil && b != nil && *a == *b }

const maxRequests = 1<<63 - 1
