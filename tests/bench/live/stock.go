package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/graph"
	"github.com/weirhq/weir/graph/generated"
	"github.com/weirhq/weir/graph/model"
	"github.com/weirhq/weir/plugin/wire"
)

// stock serves the usage subscription as gqlgen's own examples do: a channel for
// each subscriber, and gqlgen's transport, which executes and encodes each event
// for each of them.
type stock struct {
	*graph.Resolver
	generated.SubscriptionResolver

	mu          sync.Mutex
	subscribers map[chan *model.LiveUsage]struct{}
}

// Subscription implements generated.ResolverRoot.
func (s *stock) Subscription() generated.SubscriptionResolver { return s }

// Usage implements generated.SubscriptionResolver.
func (s *stock) Usage(ctx context.Context, _, _, _ *string, _ int) (<-chan *model.LiveUsage, error) {
	events := make(chan *model.LiveUsage, 1)
	s.mu.Lock()
	s.subscribers[events] = struct{}{}
	s.mu.Unlock()
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		delete(s.subscribers, events)
		s.mu.Unlock()
	})
	return events, nil
}

// publish gives every subscriber the event, unless it has not taken the last one.
func (s *stock) publish(event *model.LiveUsage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for events := range s.subscribers {
		select {
		case events <- event:
		default:
		}
	}
}

func eventOf(u live.Usage) *model.LiveUsage {
	event := &model.LiveUsage{At: u.At, From: u.From, Totals: totalsOf(u.Counts)}
	for _, a := range u.Accounts {
		id := controlplane.KindAccount.Format(a.Account)
		event.Accounts = append(event.Accounts, &model.LiveAccountUsage{AccountID: &id, Totals: totalsOf(a.Counts)})
	}
	return event
}

func totalsOf(c live.Counts) *model.LiveTotals {
	return &model.LiveTotals{
		Requests: c.Requests, Allowed: c.Allowed, Throttled: c.Throttled, Refused: c.Refused(), BytesIn: c.BytesIn, BytesOut: c.BytesOut,
	}
}

// serveStock serves until ctx ends, and returns where.
func serveStock(ctx context.Context, db *postgres.DB, log *slog.Logger) (string, error) {
	hub := live.New(db, log)
	go hub.Run(ctx)
	go feed(ctx, db, hub, log)
	resolvers := &stock{Resolver: &graph.Resolver{DB: db, Live: hub, Log: log}, subscribers: map[chan *model.LiveUsage]struct{}{}}
	go func() {
		figures := hub.Usage(live.Scope{}, time.Second)
		defer figures.Close()
		for {
			u, ok := figures.Next(ctx)
			if !ok {
				return
			}
			resolvers.publish(eventOf(u))
		}
	}()
	server := handler.New(generated.NewExecutableSchema(generated.Config{Resolvers: resolvers}))
	server.AddTransport(transport.Websocket{KeepAlivePingInterval: 10 * time.Second})
	server.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		if err := http.Serve(listener, server); ctx.Err() == nil {
			log.Error("the stock server ended", "err", err)
		}
	}()
	return listener.Addr().String(), nil
}

// feed commits the traffic of one batch a second and announces it to the hub
// itself, which spares this side the way over edge and NATS.
func feed(ctx context.Context, db *postgres.DB, hub *live.Hub, log *slog.Logger) {
	g := newGenerator(0, activeAccounts, 1)
	for again := time.NewTicker(time.Second); ; {
		select {
		case now := <-again.C:
			batches := []*wire.Batch{g.batch(now, activeAccounts)}
			if _, err := db.CommitBatches(ctx, batches); err != nil && ctx.Err() == nil {
				log.Error("could not commit", "err", err)
			}
			hub.Add(live.DeltaOf(batches))
		case <-ctx.Done():
			return
		}
	}
}
