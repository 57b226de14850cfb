package faults

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// result is what came of a schedule.
type result struct {
	requests int
	lost     int64         // that were answered, and went with a killed Envoy
	drained  time.Duration // from the last fault to the last commit
}

// errDifferent is for a database that has something else than clients saw.
var errDifferent = errors.New("the difference is not 0")

// play plays a schedule and returns the first thing that is wrong.
func (w *world) play(ctx context.Context, s schedule) (r result, err error) {
	o, err := w.suffer(ctx, s)
	if err != nil {
		return r, err
	}
	r.requests = len(o.answers)
	healed := time.Now()
	if err := w.heal(ctx); err != nil {
		return r, fmt.Errorf("heal: %w", err)
	}
	if len(o.wrong) > 0 {
		return r, errors.New("wrong answers:" + told(o.wrong))
	}
	w.truth.add(o.answers, time.Now())
	if s.killsEnvoy {
		r.lost, err = w.accountForKill(ctx, o)
		return r, err
	}
	differences, err := w.drain(ctx)
	r.drained = time.Since(healed)
	if err == nil && len(differences) > 0 {
		err = fmt.Errorf("%w, %v after the last fault:%s", errDifferent, r.drained.Round(time.Second), told(differences))
	}
	return r, err
}

// suffer sends the traffic while the steps are taken.
func (w *world) suffer(ctx context.Context, s schedule) (o outcome, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan outcome, 1)
	began := time.Now()
	go func() { ended <- w.drive(ctx, s.seed, s.traffic, s.killsEnvoy) }()
	for _, step := range s.steps {
		wait(ctx, time.Until(began.Add(step.at)))
		if err := step.do(ctx, w); err != nil {
			stop()
			<-ended
			return o, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return <-ended, nil
}

// finish waits until nothing is on its way any more, and compares once more:
// what comes late must not count twice.
func (w *world) finish(ctx context.Context) error {
	settling, cancel := context.WithTimeout(ctx, w.drainWithin)
	defer cancel()
	if err := w.awaitEmpty(settling); err != nil {
		return err
	}
	differences, err := w.drain(ctx)
	if err == nil && len(differences) > 0 {
		err = fmt.Errorf("%w:%s", errDifferent, told(differences))
	}
	return err
}
