package explore

import (
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// Cube is what a rollup was summed up over.
type Cube int

// The cubes. Each has tiers, statuses and decisions; what else it has, its name
// says. NoCube is the rollup itself.
const (
	NoCube       Cube = iota
	TotalCube         // nothing else
	EndpointCube      // endpoints
	CallerCube        // accounts and keys
	RankCube          // accounts and keys, and only what they are ranked by
)

// Cubes lists those of which each row has all sums of usage.
var Cubes = [...]Cube{TotalCube, EndpointCube, CallerCube}

func (c Cube) String() string { return [...]string{"", "total", "endpoint", "caller", "rank"}[c] }

// firstSummedUp is the finest rollup that is summed up.
const firstSummedUp = controlplane.ByHour

// RankCubeFor is CubeFor for those who only rank by measures.
func RankCubeFor(dimensions []Dimension, f controlplane.UsageFilter) Cube {
	cube := CubeFor(dimensions, f)
	narrow := len(f.Tiers)+len(f.Statuses)+len(f.Decisions) == 0
	for _, d := range dimensions {
		narrow = narrow && (d == ByAccount || d == ByKey)
	}
	if cube == CallerCube && narrow {
		return RankCube
	}
	return cube
}

// CubeFor returns the smallest cube that has all that a question looks at: it
// splits by dimensions and narrows by f.
func CubeFor(dimensions []Dimension, f controlplane.UsageFilter) Cube {
	has := func(d Dimension, n int) bool { return n > 0 || slices.Contains(dimensions, d) }
	caller := has(ByAccount, len(f.Accounts)) || has(ByKey, len(f.Keys))
	endpoint := has(ByEndpoint, len(f.Endpoints))
	switch {
	case caller && endpoint:
		return NoCube
	case caller:
		return CallerCube
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
		if part.Local || part.Level < firstSummedUp {
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
	if built[g][begin.Unix()] {
		whole.Cube = cube
		return []Part{whole}
	}
	finer := g - 1
	if finer < firstSummedUp || begin.Before(kept[finer]) {
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
