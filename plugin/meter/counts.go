package meter

import "github.com/weirhq/weir/plugin/wire"

// counts is usage that may still grow.
type counts struct {
	entries  table
	declared declared
	verdicts verdicts
}

func newCounts() counts {
	return counts{entries: newTable(), declared: newDeclared(), verdicts: newVerdicts()}
}

func (c *counts) empty() bool {
	return len(c.entries.entries)+len(c.declared.all)+len(c.verdicts.all) == 0
}

// many reports whether it takes more than one batch to take everything.
func (c *counts) many() bool {
	return len(c.entries.entries) > maxTakenEntries || c.entries.bins > maxTakenBins ||
		len(c.declared.all) > maxTakenMeters || len(c.verdicts.all) > maxTakenVerdicts
}

// take moves the newest counts into b, as many as fit, unsorted. They stay valid
// until recycle, which is called before anything is added.
func (c *counts) take(b *wire.Batch) {
	b.Entries, b.Meters, b.Verdicts = c.entries.take(), c.declared.take(), c.verdicts.take()
}

func (c *counts) recycle(b *wire.Batch) {
	c.entries.recycle(b.Entries)
	c.declared.shrink()
	c.verdicts.shrink()
}

func requestsOf(b *wire.Batch) (sum uint64) {
	for i := range b.Entries {
		sum += b.Entries[i].Requests
	}
	return sum
}
