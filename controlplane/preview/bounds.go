package preview

import (
	"math"

	"github.com/weirhq/weir/controlplane"
)

// demand is what was asked of a limit in one minute, in its measure: surely, and at
// most, where it isn't known whether the limit counts it.
type demand struct{ sure, possible float64 }

// bounds are how little and how much one limit can have denied to one subject.
//
// For a bucket with burst b and refill r a minute, the most that can have been
// admitted up to a minute is what the bucket admits when nothing of its refill is
// wasted; that is best for every later minute, too. The least that can be in the
// bucket when a minute begins is, as one can show by induction over the minutes,
// max(0, min(b, least+r) − demand): all of a minute asked for at its end. Who is
// denied something in a minute that began with n has got n in it before.
//
// A sliding window admits no more than a bucket that holds its amount and is
// refilled with it in a period. It denies only when its amount was admitted within
// 33/32 of a period: minutes that are further away don't count.
type bounds struct {
	amount, burst, refill float64
	kind                  controlplane.LimitKind
	began                 bool
	last                  int64   // the minute that was played last
	most, least           float64 // in the bucket, before last ends

	reach  int64 // of a window, whole minutes
	recent []past

	periodEnd       int64 // of a quota, a minute
	used, mightUsed float64
}

// past is what was asked in a minute that a window still sees.
type past struct {
	minute   int64
	possible float64
}

func newBounds(l *controlplane.Limit) *bounds {
	b := &bounds{kind: l.Kind, amount: float64(l.Amount), burst: float64(l.Burst)}
	if l.Kind == controlplane.Quota {
		return b
	}
	seconds := l.Period.Seconds()
	b.refill = b.amount * 60 / float64(seconds)
	if l.Kind == controlplane.Window {
		b.burst = b.amount
		b.reach = (seconds*33 + 32*60 - 1) / (32 * 60)
	}
	return b
}

// play plays one minute, after all before it, and returns how much is denied of it:
// added up over the minutes, no less than atLeast and no more than atMost. A quota's
// period is that which the minute lies in.
func (b *bounds) play(minute int64, d demand, periodEnd int64) (atLeast, atMost float64) {
	if b.kind == controlplane.Quota {
		return b.playQuota(d, periodEnd)
	}
	if !b.began {
		b.began, b.most, b.least = true, b.burst, b.burst
	} else {
		idle := float64(minute-b.last-1) * b.refill
		b.most, b.least = min(b.burst, b.most+idle), min(b.burst, b.least+idle)
	}
	b.last = minute

	there := b.most + b.refill
	admitted := min(d.sure, there)
	b.most = min(b.burst, there-admitted)
	atLeast = d.sure - admitted

	if b.kind == controlplane.Window {
		return atLeast, b.playWindow(minute, d)
	}
	atMost = d.possible - min(d.possible, math.Floor(b.least))
	b.least = max(0, min(b.burst, b.least+b.refill)-d.possible)
	return atLeast, atMost
}

func (b *bounds) playWindow(minute int64, d demand) (atMost float64) {
	before := 0.0
	kept := b.recent[:0]
	for _, p := range b.recent {
		if p.minute >= minute-b.reach {
			kept = append(kept, p)
			before += p.possible
		}
	}
	b.recent = append(kept, past{minute, d.possible})
	return d.possible - min(d.possible, max(0, b.amount-before))
}

func (b *bounds) playQuota(d demand, periodEnd int64) (atLeast, atMost float64) {
	if periodEnd != b.periodEnd {
		b.periodEnd, b.used, b.mightUsed = periodEnd, 0, 0
	}
	atLeast = d.sure - min(d.sure, max(0, b.amount-b.used))
	atMost = d.possible - min(d.possible, max(0, b.amount-b.mightUsed))
	b.used += d.sure
	b.mightUsed += d.possible
	return atLeast, atMost
}
