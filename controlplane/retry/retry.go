// Package retry says when something that failed is tried again.
//
// In come the time of a failure and a random number, out comes how long to wait. It is
// pure: who waits, and what for, is the caller's.
package retry

import "time"

// Within is how long something is tried again that comes no further: an ordinary
// restart of a control plane, or of a database, takes less.
const Within = time.Minute

const (
	firstStep   = 200 * time.Millisecond // doubles with each failure
	longestStep = 5 * time.Second
	longestAsk  = 30 * time.Second // that may be asked for; who is asked for more doesn't come back
)

// Pace is how something is tried again. The zero value goes on for [Within].
type Pace struct {
	// Attempts bounds how often it is tried without progress; 0: by time alone.
	Attempts int

	failures int
	since    time.Time // of the first failure without progress
}

// Try is the next one.
type Try struct {
	After time.Duration // to wait until then
	Left  time.Duration // in which it is tried again, as of now
}

// Progress forgets the failures so far: what it is about has come further.
func (p *Pace) Progress() { p.failures = 0 }

// Next says of a failure when to try again; false: not any more. Random, from 0 up to
// 1, spreads those who failed at the same moment; asked is how long whoever was asked
// wants to be left alone, 0 for nothing.
func (p *Pace) Next(now time.Time, random float64, asked time.Duration) (Try, bool) {
	if p.failures++; p.failures == 1 {
		p.since = now
	}
	left := p.since.Add(Within).Sub(now)
	if left <= 0 || asked > min(left, longestAsk) || p.Attempts > 0 && p.failures >= p.Attempts {
		return Try{}, false
	}
	step := longestStep
	if doublings := p.failures - 1; doublings < 5 {
		step = min(step, firstStep<<doublings)
	}
	step = step/2 + time.Duration(random*float64(step/2))
	return Try{max(asked, min(step, left)), left}, true
}
