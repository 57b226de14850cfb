package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// activeAccounts is how many accounts are in each event; at most 50 are.
	activeAccounts = 50
	// watched is what the dashboard subscribes to, once a second.
	watched  = `subscription{usage(everyMs:1000){at from totals{allowed throttled refused} accounts{accountId totals{allowed throttled refused}}}}`
	warmUp   = 3 * time.Second
	nextType = `"type":"next"`
)

// fannedOut is one pass of a transport.
type fannedOut struct {
	transport   string
	took, cpu   time.Duration
	events      int64
	bytes       int64
	subscribers int
}

func (f fannedOut) cores() float64    { return f.cpu.Seconds() / f.took.Seconds() }
func (f fannedOut) rate() float64     { return float64(f.events) / f.took.Seconds() }
func (f fannedOut) perEvent() float64 { return float64(f.cpu.Microseconds()) / float64(f.events) }

// atOneASecond is what it would be at exactly an event a second for each: on a
// busy machine there are fewer.
func (f fannedOut) atOneASecond() float64 { return f.perEvent() * float64(f.subscribers) / 1e6 }

// fanOut measures what one event a second costs the server that goes to all
// subscribers.
func fanOut(ctx context.Context, p plan, transport string) (f fannedOut, err error) {
	s, err := startServer(ctx, p, transport == "stock")
	if err != nil {
		return f, err
	}
	defer s.stop()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	address := s.GraphQL + "/graphql"
	if transport == "stock" {
		address = s.Stock
	} else {
		go trickle(ctx, s)
	}
	sockets, err := dialAll(ctx, p.subscribers, "ws://"+address, s.Token)
	if err != nil {
		return f, err
	}
	var events, size atomic.Int64
	var readers sync.WaitGroup
	for _, c := range sockets {
		if err := c.subscribe("1", watched); err != nil {
			return f, err
		}
		readers.Go(func() { count(c, &events, &size) })
	}
	pause(ctx, warmUp)
	f = fannedOut{transport: transport, subscribers: p.subscribers}
	cpu, err := s.cpu()
	if err != nil {
		return f, err
	}
	began, eventsBefore, sizeBefore := time.Now(), events.Load(), size.Load()
	pause(ctx, p.pass)
	after, err := s.cpu()
	if err != nil {
		return f, err
	}
	f.took, f.cpu, f.events, f.bytes = time.Since(began), after-cpu, events.Load()-eventsBefore, size.Load()-sizeBefore
	closeAll(sockets)
	readers.Wait()
	return f, ctx.Err()
}

// trickle posts a batch a second.
func trickle(ctx context.Context, s *server) {
	g := newGenerator(0, activeAccounts, 1)
	for again := time.NewTicker(time.Second); ; {
		select {
		case now := <-again.C:
			if err := post(ctx, s, g.batch(now, activeAccounts)); err != nil && ctx.Err() == nil {
				fmt.Println(err)
			}
		case <-ctx.Done():
			return
		}
	}
}

func count(c *socket, events, size *atomic.Int64) {
	for {
		_, text, err := c.ReadMessage()
		if err != nil {
			return
		}
		if bytes.Contains(text, []byte(nextType)) {
			events.Add(1)
			size.Add(int64(len(text)))
		}
	}
}
