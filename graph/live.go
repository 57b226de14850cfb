package graph

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/graph/generated"
	"github.com/weirhq/weir/graph/model"
	"github.com/weirhq/weir/graph/subscribe"
)

// retryAfter is when an event is put together again that could not be, as while
// the database is away.
const retryAfter = time.Second

// subscriptions returns what serves them.
func (r *Resolver) subscriptions() *subscribe.Server {
	return subscribe.New(subscribe.Config{
		Permission: func(ctx context.Context) string { return permit.Held(ctx).Key() },
		Carry:      func(from, to context.Context) context.Context { return permit.With(to, permit.Held(from)) },
		OfRequest:  ofRequest,
		Still:      r.still, RecheckEvery: r.RecheckEvery, SameOrigin: sameOrigin, Log: r.Log,
	})
}

// still reports whether a caller's credentials are good, for the same as before.
// While nobody can tell they are taken to be.
func (r *Resolver) still(ctx context.Context) bool {
	ok, err := r.Auth.Still(ctx)
	if err != nil && ctx.Err() == nil {
		r.Log.WarnContext(ctx, "could not check the credentials of a subscription", "err", err)
	}
	return ok || err != nil
}

// tickLoaders are the loaders of all events between two ticks of the live feed:
// what these ask for is gathered into one query each.
type tickLoaders struct {
	mu      sync.Mutex
	tick    uint64
	loaders *loaders
}

func (r *Resolver) loadersOfTick() *loaders {
	tick := r.Live.Ticks()
	r.tick.mu.Lock()
	defer r.tick.mu.Unlock()
	if r.tick.loaders == nil || r.tick.tick != tick {
		r.tick.tick, r.tick.loaders = tick, r.newLoaders(time.Now())
	}
	return r.tick.loaders
}

// follow makes events of a feed until ctx ends.
func follow[F, E any](ctx context.Context, r *Resolver, feed *live.Feed[F], eventOf func(context.Context, F) (E, error)) <-chan E {
	events := make(chan E)
	go func() {
		defer close(events)
		defer feed.Close()
		begun := false
		for {
			figures, ok := feed.Next(ctx)
			if !ok {
				return
			}
			if begun { // the first event has seen everything that its subscriber has
				setLoaders(ctx, r.loadersOfTick())
			} else {
				setLoaders(ctx, r.newLoaders(time.Now()))
			}
			event, err := prepared(ctx, figures, eventOf)
			if err != nil {
				if ctx.Err() == nil {
					r.Log.WarnContext(ctx, "could not put an event of a subscription together; will try again", "err", err)
				}
				feed.Again(retryAfter)
				continue
			}
			select {
			case events <- event:
				begun = true
			case <-ctx.Done():
				return
			}
		}
	}()
	return events
}

// prepared makes an event. The end of one subscription must not fail what others
// ask for with it, so it has a time of its own.
func prepared[F, E any](ctx context.Context, figures F, eventOf func(context.Context, F) (E, error)) (E, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queryWithin)
	defer cancel()
	return eventOf(ctx, figures)
}

const leastEveryMS, mostEveryMS = 250, 60_000

// intervalOf reads the least time between two events.
func intervalOf(everyMS int) (time.Duration, error) {
	if everyMS < leastEveryMS || everyMS > mostEveryMS {
		return 0, controlplane.Invalid("everyMs", "give %d to %d milliseconds", leastEveryMS, mostEveryMS)
	}
	return time.Duration(everyMS) * time.Millisecond, nil
}

// scopeOf reads whose usage to follow, and checks that all of it is there.
func scopeOf(ctx context.Context, accountID, keyID, endpointID *string) (s live.Scope, err error) {
	var errs [3]error
	s.Account, errs[0] = optional(controlplane.KindAccount, "accountId", accountID)
	s.Endpoint, errs[1] = optional(controlplane.KindEndpoint, "endpointId", endpointID)
	if keyID != nil {
		var ids []controlplane.ID
		if ids, errs[2] = controlplane.ParseIDs("keyId", []string{*keyID}, controlplane.KindKey, controlplane.KindIdentity); errs[2] == nil {
			if s.Key = ids[0]; s.Key == 0 {
				errs[2] = controlplane.Invalid("keyId", "give the id of a key or an identity; usage without one can't be followed by itself")
			}
		}
	}
	if err := errors.Join(errs[:]...); err != nil {
		return s, err
	}
	return s, scopeIsThere(ctx, s)
}

func scopeIsThere(ctx context.Context, s live.Scope) error {
	l := loadersOf(ctx)
	if s.Account != 0 {
		if _, err := l.accounts.Load(ctx, s.Account); err != nil {
			return missing(err, "accountId", "account")
		}
	}
	if s.Endpoint != 0 {
		if _, err := l.endpoints.Load(ctx, s.Endpoint); err != nil {
			return missing(err, "endpointId", "endpoint")
		}
	}
	if s.Key != 0 {
		found, err := l.callers.Load(ctx, s.Key)
		if err != nil {
			return err
		}
		if found == (caller{}) {
			return controlplane.NotFound("keyId", "key")
		}
	}
	return nil
}

func liveUsageOf(_ context.Context, u live.Usage) (*model.LiveUsage, error) {
	event := &model.LiveUsage{At: u.At, From: u.From, Totals: liveTotalsOf(u.Counts), Accounts: []*model.LiveAccountUsage{}}
	for _, a := range u.Accounts {
		part := &model.LiveAccountUsage{Totals: liveTotalsOf(a.Counts)}
		if a.Account != 0 {
			text := controlplane.KindAccount.Format(a.Account)
			part.AccountID = &text
		}
		event.Accounts = append(event.Accounts, part)
	}
	return event, nil
}

func liveTotalsOf(c live.Counts) *model.LiveTotals {
	return &model.LiveTotals{
		Requests: c.Requests, Allowed: c.Allowed, Throttled: c.Throttled, Refused: c.Refused(), Corrected: c.Corrected, BytesIn: c.BytesIn, BytesOut: c.BytesOut,
	}
}

// remainingOf returns what makes the event of an account.
func (r *Resolver) remainingOf(id controlplane.ID) func(context.Context, time.Time) (*model.LiveRemaining, error) {
	accounts := &accountResolver{r}
	return func(ctx context.Context, _ time.Time) (*model.LiveRemaining, error) {
		account, err := loadersOf(ctx).accounts.Load(ctx, id)
		if err != nil {
			return nil, err
		}
		event := &model.LiveRemaining{At: loadersOf(ctx).now}
		if event.Levels, err = accounts.Levels(ctx, account); err != nil {
			return nil, err
		}
		event.Quotas, err = accounts.Quotas(ctx, account)
		return event, err
	}
}

var windows = map[model.LiveWindow]int{model.LiveWindowOneMinute: 1, model.LiveWindowFiveMinutes: live.MaxWindow}

func liveConsumersOf(ctx context.Context, c live.Consumers) (*model.LiveConsumers, error) {
	event := &model.LiveConsumers{At: c.At, From: c.From, Requests: c.Requests, Consumers: []*model.LiveConsumer{}}
	ids := make([]controlplane.ID, len(c.Top))
	for i, a := range c.Top {
		ids[i] = a.Account
		event.Consumers = append(event.Consumers, &model.LiveConsumer{
			Rank: i + 1, Totals: liveTotalsOf(a.Counts), Share: float64(a.Requests) / float64(c.Requests),
		})
	}
	accounts, err := loadersOf(ctx).accounts.LoadAll(ctx, ids)
	if err != nil && !onlyMissing(err) {
		return nil, err
	}
	for i, a := range accounts {
		event.Consumers[i].Account = a
	}
	return event, nil
}

func weighLive(c *generated.Config) {
	c.Complexity.LiveUsage.Accounts = func(child int) int { return rows(live.MaxAccounts, child) }
	c.Complexity.Subscription.TopConsumers = func(child int, _ model.LiveWindow, first, _ int) int { return rows(first, child) }
}
