package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/controlplane"
)

// bucket is the rows of one table that begin at a time.
type bucket struct {
	level string
	begin time.Time
	rows  sums
}

// maker stores the data set.
type maker struct {
	url       string
	latencies latencies
	chunks    chan []bucket // each of one level
}

// copiers store rows side by side.
const copiers = 2

// store writes the data set up to now, with so many days of hours.
func (m *maker) store(ctx context.Context, begin, now time.Time) error {
	all, ctx := errgroup.WithContext(ctx)
	m.latencies, m.chunks = newLatencies(), make(chan []bucket, copiers)
	for range copiers {
		all.Go(func() error { return m.copyAll(ctx) })
	}
	all.Go(func() error {
		defer close(m.chunks)
		return m.draw(ctx, begin, now)
	})
	return all.Wait()
}

// draw gives the copiers a day at a time, and each month when it has ended.
func (m *maker) draw(ctx context.Context, begin, now time.Time) error {
	d, month := newDrawer(), bucket{level: "month", rows: sums{}}
	for day := begin; day.Before(now); day = day.AddDate(0, 0, 1) {
		if first := controlplane.ByMonth.Truncate(day); !first.Equal(month.begin) {
			if err := m.give(ctx, month); err != nil {
				return err
			}
			month = bucket{level: "month", begin: first, rows: sums{}}
		}
		whole := bucket{level: "day", begin: day, rows: sums{}}
		var hours, minutes []bucket
		for hour := day; hour.Before(day.AddDate(0, 0, 1)) && hour.Before(now); hour = hour.Add(time.Hour) {
			end := hour.Add(time.Hour)
			if now.Before(end) {
				end = now
			}
			sum, ofMinutes := d.hour(hour, end, func(at time.Time) bool { return now.Sub(at) < minuteDays*24*time.Hour })
			hours = append(hours, bucket{"hour", hour, sum})
			for at, rows := range ofMinutes {
				minutes = append(minutes, bucket{"minute", at, rows})
			}
			whole.rows.add(sum)
		}
		month.rows.add(whole.rows)
		for _, chunk := range [][]bucket{minutes, hours, {whole}, {sentOn(whole)}} {
			if err := m.give(ctx, chunk...); err != nil {
				return err
			}
		}
	}
	return m.give(ctx, month)
}

func (m *maker) give(ctx context.Context, chunk ...bucket) error {
	if len(chunk) == 0 || len(chunk[0].rows) == 0 {
		return nil
	}
	select {
	case m.chunks <- chunk:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sentLevel stands for what was sent, which has tables of its own.
const sentLevel = "sent"

// sentOn returns what was sent of each account's usage on a day.
func sentOn(day bucket) bucket {
	sent := sums{}
	for d, n := range day.rows {
		sent[dimensions{account: d.account}] += n
	}
	return bucket{sentLevel, day.begin, sent}
}

// copyAll stores chunks until there are no more.
func (m *maker) copyAll(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, m.url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `set synchronous_commit = off`); err != nil {
		return err
	}
	var text []byte
	for chunk := range m.chunks {
		table := "usage_" + chunk[0].level
		if chunk[0].level == sentLevel {
			table = "sent_usage"
		}
		text = append(text[:0], "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
		for _, b := range chunk {
			for d, n := range b.rows {
				if b.level == sentLevel {
					text = appendSent(text, b.begin, d.account, n)
				} else {
					text = m.appendUsage(text, b, d, n)
				}
			}
		}
		text = append(text, 0xff, 0xff)
		if _, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(text), `copy `+table+` from stdin (format binary)`); err != nil {
			return fmt.Errorf("store into %s from %v: %w", table, chunk[0].begin, err)
		}
	}
	return nil
}

// appendUsage appends a row as COPY takes it, with the columns in the table's order.
func (m *maker) appendUsage(to []byte, b bucket, d dimensions, n int64) []byte {
	to = binary.BigEndian.AppendUint16(to, 15)
	to = append64(to, b.begin.UnixMicro()-epoch.UnixMicro())
	account := int64(d.account)
	for _, id := range [...]int64{account, account, int64(d.endpoint), tierOf(account)} { // key n is account n's
		to = append64(to, id)
	}
	to = append16(append16(to, int16(d.status)), int16(d.decision()))
	for _, sum := range [...]int64{n, 0, 0, n, 700 * n, 2100 * n, 12_000 * n} {
		to = append64(to, sum)
	}
	some := m.latencies[b.level]
	latency := some[(int(d.account)*31+int(d.endpoint)*7+int(n))%len(some)]
	if d.decision() != 1 {
		latency = nil
	}
	to = binary.BigEndian.AppendUint32(to, uint32(len(latency)))
	return append(to, latency...)
}

// appendSent appends a row of what was sent.
func appendSent(to []byte, day time.Time, account uint16, n int64) []byte {
	to = binary.BigEndian.AppendUint16(to, 3)
	to = binary.BigEndian.AppendUint32(append(to, 0, 0, 0, 4), uint32(day.Sub(epoch)/(24*time.Hour)))
	return append64(append64(to, int64(account)), n)
}

// epoch is where Postgres's times begin.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func tierOf(account int64) int64 { return 1 + account%tiers }

func append16(to []byte, n int16) []byte {
	return binary.BigEndian.AppendUint16(append(to, 0, 0, 0, 2), uint16(n))
}

func append64(to []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(append(to, 0, 0, 0, 8), uint64(n))
}
