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
	Busiest      int64 // the most it counted between two words of it
	Silent       bool  // for so long that it has ended

	FirstAt  time.Time // of its first batch in the rollups
	LastAt   time.Time // of its last batch in the rollups
	LostFrom time.Time // between when and when batches were lost; zero: none were
	LostEnd  time.Time
	HeardAt  time.Time // when it was last heard from
}

// The kinds of unaccounted usage.
const (
	Gap    = "GAP"
	Silent = "SILENT"
)

// Missing is usage that was counted and isn't in the rollups.
type Missing struct {
	Kind            string
	From, Until     time.Time // when it was counted
	AtLeast, AtMost int64     // requests
	Batches         int64     // of a gap
	Counted         int64     // by the source, as is known now
}

// OpenMissing is usage that was found missing and hasn't come since.
type OpenMissing struct {
	ID controlplane.ID
	Missing
}

// afterLastWord is how long after its last word a source may have counted at most:
// the longest that a living one stays silent when nothing holds it up.
const afterLastWord = 10 * time.Second

// Account returns what is to be written about a source, given what is open: which
// of those have come, and what is missing beside the others.
//
// What its batches in the rollups leave open is a gap, and exact: each batch says
// how much its source had counted by then. A gap is looked for when a batch was
// given up, and when the source has ended. What it counted after its highest batch
// is lost with it when it falls silent: at least as much as it said, and at most
// what it counted in its busiest time between two words more, because it may have
// gone on until just before the next one. What is 0 at most isn't missing.
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
		gap.From, gap.Until = s.FirstAt, s.LastAt
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
	if rest.AtMost = rest.AtLeast; rest.AtMost > 0 {
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
	silence := Missing{Kind: Silent, From: s.LastAt, Until: s.HeardAt.Add(afterLastWord), Counted: s.Counted}
	silence.AtLeast = max(0, s.Counted-s.BatchCounted)
	silence.AtMost = silence.AtLeast + min(s.Busiest, maxRequests-silence.AtLeast)
	for _, o := range open {
		if o.AtLeast == silence.AtLeast && o.AtMost == silence.AtMost && o.Counted == silence.Counted {
			return resolved, nil
		}
		resolved = append(resolved, o.ID)
	}
	if silence.AtMost > 0 {
		found = append(found, silence)
	}
	return resolved, found
}

const maxRequests = 1<<63 - 1
