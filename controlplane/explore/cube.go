package explore

import (
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// Cube is what a rollup was summed up over.
type Cube int

// The cubes. NoCube is the rollup itself. The first three have tiers, statuses,
// decisions and latencies; the cubes of counts have none of these, and so far
// fewer rows and bytes. What else a cube has, its name says.
const (
	NoCube       Cube = iota
	TotalCube         // nothing else
	EndpointCube      // endpoints
	CallerCube        // accounts and keys
	CallerCounts      // accounts and keys
	PairCounts        // accounts, keys and endpoints
)

// Cubes lists those that are kept.
var Cubes = [...]Cube{TotalCube, EndpointCube, CallerCube, CallerCounts, PairCounts}

func (c Cube) String() string {
	return [...]string{"", "total", "endpoint", "caller", "caller_count", "pair_count"}[c]
}

// Finest is the finest rollup that is summed up to the cube. One that has nearly as
// many rows as its rollup is not worth having for hours.
func (c Cube) Finest() controlplane.Granularity {
	if c == CallerCube || c == PairCounts {
		return controlplane.ByDay
	}
	return controlplane.ByHour
}

// CountsOnly says whether a cube has nothing but counts.
func (c Cube) CountsOnly() bool { return c == CallerCounts || c == PairCounts }

// CubeFor returns the smallest cube that has all that a question looks at: it
// splits by dimensions, narrows by f, and may want latencies.
func CubeFor(dimensions []Dimension, f controlplane.UsageFilter, latencies bool) Cube {
	has := func(d Dimension, n int) bool { return n > 0 || slices.Contains(dimensions, d) }
	caller := has(ByAccount, len(f.Accounts)) || has(ByKey, len(f.Keys))
	endpoint := has(ByEndpoint, len(f.Endpoints))
	detailed := latencies || has(ByTier, len(f.Tiers)) || has(ByStatus, len(f.Statuses)) || has(ByDecision, len(f.Decisions))
	switch {
	case caller && endpoint && detailed:
		return NoCube
	case caller && endpoint:
		return PairCounts
	case caller && detailed:
		return CallerCube
	case caller:
		return CallerCounts
	case endpoint:
		return EndpointCube
	default:
		return TotalCube
	}
}

// Built says which buckets of each rollup have been summed up.
type Built [len(controlplane.Granularities)]map[int64]bool // by the beginning, Unix seconds

// manyUnbuilt is how many hours of a day, or days of a month, may be missing before
// the last one that has been summed up: with more, the day or month itself is read.
// What comes after the last one has mostly not happened yet.
const manyUnbuilt = 6

// UseCubes reads from a cube what of a plan can be. A bucket that has not been
// summed up, as the one that runs, is read from the finer ones where those have.
func (p Plan) UseCubes(built Built, kept Kept, cube Cube) Plan {
	if cube == NoCube {
		return p
	}
	var parts []Part
	for _, part := range p.Parts {
		if part.Local || part.Level < cube.Finest() {
			parts = append(parts, part)
			continue
		}
		for b := part.From; b.Before(part.To); b = part.Level.Next(b) {
			for _, of := range cubesOf(part.Level, b, cube, built, kept) {
				parts = join(parts, of)
			}
		}
	}
	p.Parts = parts
	return p
}

// cubesOf returns what one bucket is read from.
func cubesOf(g controlplane.Granularity, begin time.Time, cube Cube, built Built, kept Kept) []Part {
	whole := Part{Level: g, Range: controlplane.Range{From: begin, To: g.Next(begin)}}
	if g >= cube.Finest() && built[g][begin.Unix()] {
		whole.Cube = cube
		return []Part{whole}
	}
	finer := g - 1
	if finer < cube.Finest() || begin.Before(kept[finer]) {
		return []Part{whole}
	}
	var parts []Part
	unbuilt, before := 0, -1 // before the last one that has been summed up; -1: there is none
	for b := begin; b.Before(whole.To); b = finer.Next(b) {
		if !built[finer][b.Unix()] {
			unbuilt++
		} else {
			before = unbuilt
		}
		for _, of := range cubesOf(finer, b, cube, built, kept) {
			parts = join(parts, of)
		}
	}
	if before < 0 || before > manyUnbuilt {
		return []Part{whole}
	}
	return parts
}

// join appends a part, or makes the last one longer by it.
func join(parts []Part, more Part) []Part {
	if n := len(parts) - 1; n >= 0 && parts[n].Cube == more.Cube && parts[n].Level == more.Level && parts[n].To.Equal(more.From) {
		parts[n].To = more.To
		return parts
	}
	return append(parts, more)
}
