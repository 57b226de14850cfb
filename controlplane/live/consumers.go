package live

import (
	"cmp"
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// Consumers are the accounts with the most requests since a minute began.
type Consumers struct {
	At       time.Time
	From     time.Time // the beginning of a minute
	Requests int64     // of all accounts
	Top      []AccountUsage
}

// MaxWindow is the most whole minutes that a ranking goes back.
const MaxWindow = 5

// slots is how many minutes are kept: those of the longest window, the one that
// runs, and the next, for Envoys whose clock is a little ahead.
const slots = MaxWindow + 2

type consumerFigures struct {
	minute   int64 // that runs
	accounts map[controlplane.ID]*[slots]Counts
}

func minuteOf(now time.Time) int64 { return now.Unix() / 60 }

func (f *consumerFigures) wants(w *Wanted) {
	w.Since = time.Unix((minuteOf(w.Now)-MaxWindow)*60, 0).UTC()
}

func (f *consumerFigures) rebase(b *Base, _ Wanted, now time.Time) {
	f.minute, f.accounts = minuteOf(now), map[controlplane.ID]*[slots]Counts{}
	for i := range b.Minutes {
		f.add(&b.Minutes[i])
	}
}

func (f *consumerFigures) count(c *Cell, now time.Time) bool {
	f.pass(now)
	return f.add(c)
}

func (f *consumerFigures) add(c *Cell) bool {
	if c.Counts == (Counts{}) || c.Minute < f.minute-MaxWindow || c.Minute > f.minute+1 {
		return false
	}
	counts := f.accounts[c.Account]
	if counts == nil {
		counts = new([slots]Counts)
		f.accounts[c.Account] = counts
	}
	counts[c.Minute%slots].add(c.Counts)
	return true
}

// pass forgets the minutes that are over for every window. A clock that goes back
// changes nothing.
func (f *consumerFigures) pass(now time.Time) passing {
	minute := minuteOf(now)
	if minute <= f.minute {
		return same
	}
	for stale := max(f.minute+2, minute+2-slots); stale <= minute+1; stale++ {
		for _, counts := range f.accounts {
			counts[stale%slots] = Counts{}
		}
	}
	f.minute = minute
	for id, counts := range f.accounts {
		if *counts == ([slots]Counts{}) {
			delete(f.accounts, id)
		}
	}
	return changed
}

// now ranks by what was counted in so many whole minutes and the one that runs.
func (f *consumerFigures) now(now time.Time, window, top int) Consumers {
	from := f.minute - int64(window)
	c := Consumers{At: now, From: time.Unix(from*60, 0).UTC()}
	all := make([]AccountUsage, 0, len(f.accounts))
	for id, counts := range f.accounts {
		var sum Counts
		for minute := from; minute <= f.minute+1; minute++ {
			sum.add(counts[minute%slots])
		}
		if sum.Requests > 0 {
			c.Requests += sum.Requests
			all = append(all, AccountUsage{id, sum})
		}
	}
	slices.SortFunc(all, func(a, b AccountUsage) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Account, b.Account))
	})
	c.Top = slices.Clip(all[:min(len(all), top)])
	return c
}
