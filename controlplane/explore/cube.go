package explore

import (
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// Cube is what a rollup was summed up over. The numbers are part of the database.
type Cube int

// The cubes. NoCube is the rollup itself. What a cube has besides figures, its name
// says: a caller is an account and a key, a pair a caller and an endpoint, and
// details are tiers, statuses and decisions.
const (
	NoCube Cube = iota
	TotalCube
	DetailCube
	EndpointCube
	EndpointDetailCube
	CallerCube
	CallerDetailCube
	PairCube
	WholeCube // everything
	cubes
)

// dimensionsOf are what each cube has.
var dimensionsOf = [cubes][]Dimension{
	DetailCube:         {ByStatus, ByDecision, ByTier},
	EndpointCube:       {ByEndpoint},
	EndpointDetailCube: {ByEndpoint, ByStatus, ByDecision, ByTier},
	CallerCube:         {ByAccount, ByKey},
	CallerDetailCube:   {ByAccount, ByKey, ByStatus, ByDecision, ByTier},
	PairCube:           {ByAccount, ByKey, ByEndpoint},
	WholeCube:          Dimensions[:],
}

// packedCubes are those that are packed, a bucket at a time, of each rollup: each
// comes after one that has all of it. One that would have nearly as many rows as
// its rollup is not worth having.
var packedCubes = [len(controlplane.Granularities)][]Cube{
	controlplane.ByMinute: {WholeCube},
	controlplane.ByHour:   {PairCube, CallerDetailCube, CallerCube, EndpointDetailCube, EndpointCube, DetailCube, TotalCube},
	controlplane.ByDay:    {PairCube, CallerDetailCube, CallerCube, EndpointDetailCube, EndpointCube, DetailCube, TotalCube},
	controlplane.ByMonth:  {PairCube, CallerDetailCube, CallerCube, EndpointDetailCube, EndpointCube, DetailCube, TotalCube},
}

// tabledCubes are those that are in tables, too, where the rows of an account are
// found without reading the others.
var tabledCubes = [len(controlplane.Granularities)][]Cube{
	controlplane.ByHour:  {CallerCube},
	controlplane.ByDay:   {CallerCube, PairCube},
	controlplane.ByMonth: {CallerCube, PairCube},
}

// PackedCubes lists the cubes of a rollup that are packed. Each can be summed up from
// the rollup, or from one that comes before it and has all its dimensions.
func PackedCubes(g controlplane.Granularity) []Cube { return packedCubes[g] }

// TabledCubes lists the cubes of a rollup that are in tables.
func TabledCubes(g controlplane.Granularity) []Cube { return tabledCubes[g] }

// String returns what tables of a cube are named by.
func (c Cube) String() string {
	return [cubes]string{"", "total", "detail", "endpoint", "endpoint_detail", "caller", "caller_detail", "pair", "whole"}[c]
}

// Has says whether a cube has all the dimensions of another one.
func (c Cube) Has(other Cube) bool {
	return !slices.ContainsFunc(dimensionsOf[other], func(d Dimension) bool { return !slices.Contains(dimensionsOf[c], d) })
}

// HasLatencies says whether the packs of a cube have latencies. Where there are
// many rows these take much room, and few questions are about them.
func (c Cube) HasLatencies(g controlplane.Granularity) bool {
	return c != CallerDetailCube && (c != PairCube || g > controlplane.ByHour)
}

// Need is what a question looks at.
type Need struct {
	dimensions []Dimension
	latencies  bool
	tables     tables
}

// tables says what part the tables of cubes have in an answer.
type tables int

const (
	noTables    tables = iota
	tablesOnly         // and no packs
	tablesFirst        // packs where there is no table
)

// NeedOf returns what a question needs that splits by dimensions, narrows by f, and
// may want latencies. When it is about the usage of some callers only, these are
// looked for in tables.
func NeedOf(dimensions []Dimension, f controlplane.UsageFilter, latencies bool) Need {
	n := Need{dimensions: slices.Clone(dimensions), latencies: latencies}
	if len(f.Accounts)+len(f.Keys) > 0 {
		n.tables = tablesOnly
	}
	for d, used := range map[Dimension]int{
		ByAccount: len(f.Accounts), ByKey: len(f.Keys), ByEndpoint: len(f.Endpoints),
		ByStatus: len(f.Statuses), ByDecision: len(f.Decisions), ByTier: len(f.Tiers),
	} {
		if used > 0 {
			n.dimensions = append(n.dimensions, d)
		}
	}
	return n
}

// OnlyTables leaves packs out.
func (n Need) OnlyTables() Need {
	n.tables = tablesOnly
	return n
}

// fewGroups are found in tables sooner than in packs.
const fewGroups = 25

// Among returns what is needed when only some groups are of interest.
func (n Need) Among(groups int) Need {
	caller := slices.Contains(n.dimensions, ByAccount) || slices.Contains(n.dimensions, ByKey)
	if n.tables == noTables && caller && (groups <= fewGroups || slices.Contains(n.dimensions, ByEndpoint)) {
		n.tables = tablesFirst
	}
	return n
}

// in returns the smallest cube of a rollup that has all that is needed, or NoCube,
// and whether it is read from its table.
func (n Need) in(g controlplane.Granularity) (c Cube, tabled bool) {
	if n.tables != noTables {
		if c := n.smallest(tabledCubes[g], func(Cube) bool { return true }); c != NoCube || n.tables == tablesOnly {
			return c, c != NoCube
		}
	}
	return n.smallest(packedCubes[g], func(c Cube) bool { return !n.latencies || c.HasLatencies(g) }), false
}

func (n Need) smallest(kept []Cube, fits func(Cube) bool) Cube {
	best := NoCube
	for _, c := range kept {
		missing := slices.ContainsFunc(n.dimensions, func(d Dimension) bool { return !slices.Contains(dimensionsOf[c], d) })
		if !missing && fits(c) && (best == NoCube || len(dimensionsOf[c]) < len(dimensionsOf[best])) {
			best = c
		}
	}
	return best
}

// cube is in without where.
func (n Need) cube(g controlplane.Granularity) Cube {
	c, _ := n.in(g)
	return c
}

// MinutesAtOnce is how many minutes are summed up together: those of one bucket of
// [Built].
const MinutesAtOnce = 5 * time.Minute

// Built says which buckets of each rollup have been summed up.
type Built [len(controlplane.Granularities)]map[int64]bool // by the beginning, Unix seconds

func (b Built) has(g controlplane.Granularity, begin time.Time) bool {
	if g == controlplane.ByMinute {
		begin = begin.Truncate(MinutesAtOnce)
	}
	return b[g][begin.Unix()]
}

// mayBeUnbuilt is how long before the end of a range coarser buckets may not have
// been summed up yet while finer ones have.
const mayBeUnbuilt = 48 * time.Hour

// Wanted lists the buckets of which UseCubes wants to know whether they have been
// summed up.
func (p Plan) Wanted() (parts []Part) {
	for _, part := range p.Parts {
		if part.Local {
			continue
		}
		parts = append(parts, part)
		for g := part.Level - 1; g >= controlplane.ByMinute; g-- {
			last := part
			last.Level = g
			if from := part.To.Add(-mayBeUnbuilt); from.After(part.From) && g < controlplane.ByDay {
				last.From = from
			}
			parts = append(parts, last)
		}
		if p.longDays(part) {
			part.Level = controlplane.ByDay
			parts = append(parts, part)
		}
	}
	return parts
}

// manyUnbuilt is how many hours of a day, or days of a month, may be missing before
// the last one that has been summed up: with more, the day or month itself is read.
// What comes after the last one has mostly not happened yet.
const manyUnbuilt = 6

// UseCubes reads from cubes what of a plan can be. A bucket that has not been
// summed up, as the one that runs, is read from the finer ones where those have.
func (p Plan) UseCubes(built Built, kept Kept, need Need) Plan {
	var parts []Part
	for _, part := range p.Parts {
		switch {
		case part.Local:
			parts = append(parts, part)
		case p.longDays(part) && need.packsDays():
			parts = p.useDays(parts, part, built, kept, need.inPacks())
		default:
			for b := part.From; b.Before(part.To); b = part.Level.Next(b) {
				for _, of := range cubesOf(part.Level, b, built, kept, need) {
					parts = join(parts, of)
				}
			}
		}
	}
	p.Parts = parts
	return p
}

// cubesOf returns what one bucket is read from.
func cubesOf(g controlplane.Granularity, begin time.Time, built Built, kept Kept, need Need) []Part {
	whole := Part{Level: g, Range: controlplane.Range{From: begin, To: g.Next(begin)}}
	c, tabled := need.in(g)
	if c != NoCube && built.has(g, begin) {
		whole.Cube, whole.Tabled = c, tabled
		return []Part{whole}
	}
	finer := g - 1
	if finer < controlplane.ByMinute || c == NoCube || need.cube(finer) == NoCube || begin.Before(kept[finer]) {
		return []Part{whole}
	}
	var parts []Part
	unbuilt, before := 0, -1 // before the last one that has been summed up; -1: there is none
	for b := begin; b.Before(whole.To); b = finer.Next(b) {
		if !built.has(finer, b) {
			unbuilt++
		} else {
			before = unbuilt
		}
		for _, of := range cubesOf(finer, b, built, kept, need) {
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
	if n := len(parts) - 1; n >= 0 && parts[n].To.Equal(more.From) {
		longer := parts[n]
		longer.From, longer.To = more.From, more.To
		if longer == more {
			parts[n].To = more.To
			return parts
		}
	}
	return append(parts, more)
}

// InTables reads from the tables of cubes what of a plan can be, and nothing from
// finer rollups, so that buckets stay as they are.
func (p Plan) InTables(built Built, need Need) Plan {
	return p.atItsLevels(built, need.OnlyTables())
}

// InPacks is InTables with packs.
func (p Plan) InPacks(built Built, need Need) Plan {
	return p.atItsLevels(built, need.inPacks())
}

func (p Plan) atItsLevels(built Built, need Need) Plan {
	var parts []Part
	for _, part := range p.Parts {
		c, tabled := need.in(part.Level)
		if part.Local || c == NoCube {
			parts = append(parts, part)
			continue
		}
		for b := part.From; b.Before(part.To); b = part.Level.Next(b) {
			one := Part{Level: part.Level, Range: controlplane.Range{From: b, To: part.Level.Next(b)}}
			if built.has(part.Level, b) {
				one.Cube, one.Tabled = c, tabled
			}
			parts = join(parts, one)
		}
	}
	p.Parts = parts
	return p
}
