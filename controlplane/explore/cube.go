package explore

import (
	"slices"

	"github.com/weirhq/weir/controlplane"
)

// Cube is what a rollup was summed up over.
type Cube int

// The cubes. Each has tiers, statuses and decisions; what else it has, its name
// says. NoCube is the rollup itself.
const (
	NoCube        Cube = iota
	TotalCube          // nothing else
	EndpointCube       // endpoints
	CallerCube         // accounts and keys
	firstSummedUp = controlplane.ByHour
)

// Cubes lists those that are kept.
var Cubes = [...]Cube{TotalCube, EndpointCube, CallerCube}

func (c Cube) String() string { return [...]string{"", "total", "endpoint", "caller"}[c] }

// cubeFor returns the smallest cube that has all that a question looks at.
func cubeFor(dimensions []Dimension, f controlplane.UsageFilter) Cube {
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

// UseCubes reads from cubes what of a plan can be: what looks at some dimensions,
// and narrows by f.
func (p Plan) UseCubes(built Built, dimensions []Dimension, f controlplane.UsageFilter) Plan {
	cube := cubeFor(dimensions, f)
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
			of := NoCube
			if built[part.Level][b.Unix()] {
				of = cube
			}
			if n := len(parts) - 1; n >= 0 && parts[n].Cube == of && parts[n].Level == part.Level && parts[n].To.Equal(b) {
				parts[n].To = part.Level.Next(b)
				continue
			}
			parts = append(parts, Part{Level: part.Level, Cube: of, Range: controlplane.Range{From: b, To: part.Level.Next(b)}})
		}
	}
	p.Parts = parts
	return p
}
