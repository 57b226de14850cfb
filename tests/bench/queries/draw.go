package main

import (
	"math/rand/v2"
	"time"

	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// The data set: of 1,000 accounts × 20 endpoints, drawn by Zipf's law, some are in
// use in an hour, and so many rows come in each of its minutes that there are ten
// million in 30 days.
const (
	accounts      = 1000
	endpoints     = 20
	sources       = 8
	minuteDays    = 30
	rowsPerMinute = 232
	usedPerHour   = 3000 // draws, of which many are the same
)

// dimensions are what a row is about; the rest of its key follows from them.
type dimensions struct {
	account, endpoint uint16
	status            uint16
}

func (d dimensions) decision() wire.Decision {
	if d.status == 429 {
		return wire.Throttled
	}
	return wire.Allowed
}

// sums are the requests of a bucket's rows.
type sums map[dimensions]int64

func (s sums) add(more sums) {
	for d, n := range more {
		s[d] += n
	}
}

// mix is the statuses of a hundred rows.
var mix = func() (statuses [100]uint16) {
	for i := range statuses {
		statuses[i] = 200
	}
	copy(statuses[:], []uint16{404, 404, 404, 404, 429, 429, 429, 429, 500, 500})
	return statuses
}()

// drawer draws the data set, always the same one.
type drawer struct {
	random    *rand.Rand
	accounts  *rand.Zipf
	endpoints *rand.Zipf
	used      [usedPerHour]dimensions
}

func newDrawer() *drawer {
	random := rand.New(rand.NewPCG(1, 2))
	return &drawer{
		random:   random,
		accounts: rand.NewZipf(random, 1.1, 8, accounts-1), endpoints: rand.NewZipf(random, 1.2, 2, endpoints-1),
	}
}

// hour draws an hour: its sum and, if they are wanted, its minutes.
func (d *drawer) hour(begin, end time.Time, wanted func(time.Time) bool) (hour sums, minutes map[time.Time]sums) {
	for i := range d.used {
		d.used[i] = dimensions{account: uint16(1 + d.accounts.Uint64()), endpoint: uint16(1 + d.endpoints.Uint64())}
	}
	hour, minutes = make(sums, usedPerHour), map[time.Time]sums{}
	for at := begin; at.Before(end); at = at.Add(time.Minute) {
		minute := make(sums, rowsPerMinute)
		for len(minute) < rowsPerMinute {
			row := d.used[d.random.IntN(usedPerHour)]
			row.status = mix[d.random.IntN(len(mix))]
			minute[row] += 1 + int64(d.random.ExpFloat64()*20)
		}
		hour.add(minute)
		if wanted(at) {
			minutes[at] = minute
		}
	}
	return hour, minutes
}

// latencies are distributions to choose from, as the rollups store them: the
// coarser the level, the more bins they have.
type latencies map[string][][]byte

func newLatencies() latencies {
	random := rand.New(rand.NewPCG(3, 4))
	l := latencies{}
	for level, bins := range map[string]int{"minute": 8, "hour": 16, "day": 40, "month": 70} {
		for range 1000 {
			var h wire.Histogram
			first := 150 + random.IntN(60)
			for i := range bins/2 + random.IntN(bins) {
				h = append(h, wire.Bin{Index: uint16(first + 2*i), Count: 1 + uint64(random.ExpFloat64()*float64(bins))})
			}
			l[level] = append(l[level], usage.AppendLatency(nil, h))
		}
	}
	return l
}
