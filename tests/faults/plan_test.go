package faults

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// schedule is what a seed says.
type schedule struct {
	seed       uint64
	traffic    traffic
	killsEnvoy bool
	embedded   bool   // for a world in which each control plane has a NATS in it
	steps      []step // in the order in which they are taken
}

// step is one thing that is done to a world at a moment.
type step struct {
	at   time.Duration // since the traffic began
	what string
	do   func(context.Context, *world) error
}

// stroke is a fault, from its beginning to its end.
type stroke struct {
	uses  []string // what no other stroke may touch meanwhile
	steps []step   // at: since its beginning
	lasts time.Duration
}

// How a schedule is made.
const (
	leastTraffic = 3 * time.Second
	moreTraffic  = 2 * time.Second
	mostStrokes  = 5
	// Envoy is killed once there is enough to tell how busy it was.
	killNotBefore = 2500 * time.Millisecond
	// Of so many schedules one kills Envoy; every other time, when it has had no edge
	// for a while.
	killsEvery = 10
	// Of so many schedules one is for a world without a NATS of its own.
	embeddedEvery = 5
)

// newSchedule is the schedule of a seed. The same seed gives the same steps in
// the same order.
func newSchedule(seed uint64) schedule {
	r := dice{rand.New(rand.NewPCG(seed, 0)), seed%embeddedEvery == embeddedEvery-1}
	s := schedule{seed: seed, embedded: r.embedded, traffic: traffic{
		clients: 4 + r.IntN(5), lasts: leastTraffic + time.Duration(r.Int64N(int64(moreTraffic))),
	}}
	s.traffic.requests = (1500 + r.IntN(2000)) / s.traffic.clients
	s.killsEnvoy = seed%killsEvery == 0
	var taken []interval
	begin, may := 200*time.Millisecond, strokes
	if !r.embedded {
		may = slices.Concat(strokes, strokesOfNATS)
	}
	if s.killsEnvoy {
		at, unheard := killNotBefore+r.between(0, 500*time.Millisecond), time.Duration(0)
		if seed%(2*killsEvery) == 0 {
			unheard = r.between(500*time.Millisecond, killNotBefore-time.Second)
		}
		s.add(at, killEnvoy(unheard))
		begin = at + time.Millisecond
	}
	for range 2 + r.IntN(mostStrokes-1) {
		draw := may[r.IntN(len(may))]
		at, stroke := begin+r.between(0, s.traffic.lasts-begin), draw(r)
		i := interval{at, at + stroke.lasts, stroke.uses}
		if slices.ContainsFunc(taken, i.touches) {
			continue
		}
		taken = append(taken, i)
		s.add(at, stroke)
	}
	slices.SortStableFunc(s.steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return s
}

func (s *schedule) add(at time.Duration, stroke stroke) {
	for _, step := range stroke.steps {
		step.at += at
		s.steps = append(s.steps, step)
	}
}

// interval is when a stroke takes what it uses.
type interval struct {
	begin, end time.Duration
	uses       []string
}

func (i interval) touches(other interval) bool {
	return i.begin <= other.end && other.begin <= i.end &&
		slices.ContainsFunc(i.uses, func(u string) bool { return slices.Contains(other.uses, u) })
}

func (s schedule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d clients send %d requests each in %v", s.traffic.clients, s.traffic.requests, s.traffic.lasts.Round(time.Millisecond))
	for _, step := range s.steps {
		fmt.Fprintf(&b, "\n\t%5d ms  %s", step.at.Milliseconds(), step.what)
	}
	return b.String()
}
