package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/wire"
)

// measurement is one way of writing usage, for a while.
type measurement struct {
	name string
	run  func(ctx context.Context, url string, lasts time.Duration, cpu func() time.Duration) (result, error)
}

// result is what a measurement came to.
type result struct {
	requests, deltas int
	writing          time.Duration // by the clock, without making the load
	cpu              time.Duration // of all of Postgres, checkpoints and vacuum included
}

func (r result) deltasASecond() float64    { return float64(r.deltas) / r.writing.Seconds() }
func (r result) deltasACPUSecond() float64 { return float64(r.deltas) / r.cpu.Seconds() }
func (r result) requestsACPUSecond() float64 {
	return float64(r.requests) / r.cpu.Seconds()
}

const perEvent = "an upsert for each request"

func measurements() []measurement {
	return []measurement{
		{perEvent, upserts},
		{"rounds of 1 s", commits(drawn, 1)},
		{"rounds of 3 s", commits(drawn, 3)},
		{"rounds of 8 s", commits(drawn, 8)},
		{"rows of their own, 1 s", commits(distinct, 1)},
		{"rows of their own, 3 s", commits(distinct, 3)},
	}
}

// leastRounds are committed in any case: in the first one every row is new.
const leastRounds = 3

// commits commits what piles up in so many seconds, round after round.
func commits(fill func(*load, *wire.Batch, int, int64), seconds int) func(context.Context, string, time.Duration, func() time.Duration) (result, error) {
	return func(ctx context.Context, url string, lasts time.Duration, cpu func() time.Duration) (r result, err error) {
		db, err := postgres.Open(ctx, url)
		if err != nil {
			return r, err
		}
		defer db.Close()
		if err := db.MakePartitionsAhead(ctx, time.Now()); err != nil {
			return r, err
		}
		l := newLoad(fill)
		before := cpu()
		for n := 0; n < leastRounds || r.writing < lasts; n++ {
			round, requests := l.next(seconds)
			began := time.Now()
			fresh, err := db.CommitBatches(ctx, round)
			if err != nil {
				return r, err
			}
			if len(fresh) != len(round) {
				return r, fmt.Errorf("commit a round: %d of its %d batches were new", len(fresh), len(round))
			}
			r.writing += time.Since(began)
			r.requests, r.deltas = r.requests+requests, r.deltas+seconds*persecond
		}
		r.cpu = cpu() - before
		return r, nil
	}
}

// upserts counts the requests of the same load in the plain way: one upsert of one
// row for each, by the minute only, without latencies and without dedupe.
func upserts(ctx context.Context, url string, lasts time.Duration, cpu func() time.Duration) (r result, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return r, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `
		create table events_minute (
			bucket timestamptz, account_id bigint, key_id bigint, endpoint_id bigint, tier_id bigint, status smallint, decision smallint,
			requests bigint not null, cost bigint not null, bytes_in bigint not null, bytes_out bigint not null, duration_us bigint not null,
			primary key (bucket, account_id, key_id, endpoint_id, tier_id, status, decision)
		) with (fillfactor = 50)`); err != nil {
		return r, err
	}
	l := newLoad(drawn)
	round, _ := l.next(1)
	var events []*wire.Entry
	for _, b := range round {
		for i := range b.Entries {
			for range b.Entries[i].Requests {
				events = append(events, &b.Entries[i])
			}
		}
	}
	l.random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	before, began := cpu(), time.Now()
	for ; r.writing < lasts; r.writing = time.Since(began) {
		e := events[r.requests%len(events)]
		r.requests++
		if _, err := conn.Exec(ctx, `
			insert into events_minute as u values ($1, $2, $3, $4, $5, $6, $7, 1, 1, $8, $9, $10)
			on conflict (bucket, account_id, key_id, endpoint_id, tier_id, status, decision) do update set
				requests = u.requests + 1, cost = u.cost + 1, bytes_in = u.bytes_in + excluded.bytes_in,
				bytes_out = u.bytes_out + excluded.bytes_out, duration_us = u.duration_us + excluded.duration_us`,
			l.began, int64(e.Account), int64(e.Key), int64(e.Endpoint), int64(e.Tier), int16(e.Status), int16(e.Decision), 700, 2100, 12_000); err != nil {
			return r, err
		}
	}
	r.cpu = cpu() - before
	return r, nil
}
