package retry_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weirhq/weir/controlplane/retry"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// pauses are those of something that fails at once and always, with the same number of
// chance, until it is given up.
func pauses(p *retry.Pace, random float64) (all []time.Duration) {
	now := noon
	for {
		try, again := p.Next(now, random, 0)
		if !again {
			return all
		}
		all, now = append(all, try.After), now.Add(try.After)
	}
}

func TestPausesGrowAndFillTheTime(t *testing.T) {
	for _, random := range []float64{0, 0.5, 1} {
		all := pauses(&retry.Pace{}, random)
		var sum time.Duration
		for i, pause := range all {
			if sum += pause; i > 0 && i < len(all)-1 && pause < all[i-1] {
				t.Errorf("%v: the pauses don't grow: %v", random, all)
			}
		}
		if sum != retry.Within || len(all) > 30 {
			t.Errorf("%v: %d pauses are %s in all: %v", random, len(all), sum, all)
		}
	}
	if all := pauses(&retry.Pace{Attempts: 4}, 1); len(all) != 3 || all[2] != 800*time.Millisecond {
		t.Errorf("four attempts have the pauses %v", all)
	}
}

func TestWhatComesFurtherIsTriedOn(t *testing.T) {
	p, now := &retry.Pace{Attempts: 2}, noon
	for range 100 {
		p.Progress()
		try, again := p.Next(now, 1, 0)
		if !again || try.After != 200*time.Millisecond || try.Left != retry.Within {
			t.Fatalf("%+v, %v", try, again)
		}
		now = now.Add(retry.Within)
	}
	if _, again := p.Next(now, 1, 0); again {
		t.Error("it is tried again without progress")
	}
}

func TestAPauseKeepsItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, now := &retry.Pace{}, noon
		last := now
		for range rapid.IntRange(1, 40).Draw(t, "failures") {
			asked := time.Duration(rapid.Int64Range(0, int64(40*time.Second)).Draw(t, "asked"))
			try, again := p.Next(now, rapid.Float64Range(0, 1).Draw(t, "random"), asked)
			if !again {
				if left := noon.Add(retry.Within).Sub(now); left > 0 && asked <= min(left, 30*time.Second) {
					t.Fatalf("given up with %s left", left)
				}
				return
			}
			if try.After < asked || try.After <= 0 || try.After > max(asked, 5*time.Second) || now.Add(try.After).After(noon.Add(retry.Within)) {
				t.Fatalf("%+v after %s, asked for %s", try, now.Sub(last), asked)
			}
			last, now = now, now.Add(try.After)
		}
	})
}
