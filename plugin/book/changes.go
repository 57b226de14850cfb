package book

import (
	"bytes"
	"slices"
)

// MaxHistory bounds how many versions [Changes] remembers.
const MaxHistory = 1024

// Changes remembers what changed between the sets that one publisher compiled.
// It answers only from versions that it was given itself: another publisher may
// have served versions in between, whose content it doesn't know. The zero value
// is ready to use. It is not safe for concurrent use.
type Changes struct {
	latest   *Set
	changed  []uint64 // by segment of latest: the version since which it is as it is
	versions []uint64 // that were added, ascending; at most MaxHistory
}

// Add takes the set that was compiled last. A set whose version isn't above the
// last one's begins the history anew, unless it is the last one again.
func (c *Changes) Add(s *Set) {
	if c.latest != nil && s.Version == c.latest.Version && s.Bits == c.latest.Bits &&
		slices.EqualFunc(s.Segments, c.latest.Segments, bytes.Equal) {
		return
	}
	if c.latest != nil && s.Version <= c.latest.Version {
		*c = Changes{}
	}
	changed := make([]uint64, len(s.Segments))
	for i, b := range s.Segments {
		changed[i] = s.Version
		same := c.latest != nil && (i == 0 || s.Bits == c.latest.Bits) && bytes.Equal(b, c.latest.Segments[i])
		if same {
			changed[i] = c.changed[i]
		}
	}
	c.latest, c.changed = s, changed
	if len(c.versions) == MaxHistory {
		c.versions = slices.Delete(c.versions, 0, 1)
	}
	c.versions = append(c.versions, s.Version)
}

// Latest returns the set that was added last; nil when there was none.
func (c *Changes) Latest() *Set { return c.latest }

// Since returns what brings a filter from version to the latest one. It reports
// false for a version that was never added or is forgotten, and for the latest
// one itself.
func (c *Changes) Since(version uint64) (Update, bool) {
	if _, known := slices.BinarySearch(c.versions, version); !known || version == c.latest.Version {
		return Update{}, false
	}
	u := Update{Version: c.latest.Version, Base: version, Bits: c.latest.Bits}
	for i, since := range c.changed {
		if since > version {
			u.Segments = append(u.Segments, Segment{i, c.latest.Segments[i]})
		}
	}
	return u, true
}
