package main

import (
	"math/rand/v2"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// The load: so many sources send a batch a second each.
const (
	sources   = 8
	entries   = 2500 // of a batch
	accounts  = 1000
	endpoints = 20
	persecond = sources * entries // deltas
)

var statuses = [...]uint16{200, 404, 429, 500}

// load makes what the sources send in one second after another.
type load struct {
	random *rand.Rand
	began  time.Time
	second uint64
	fill   func(l *load, b *wire.Batch, source int, minute int64)
}

func newLoad(fill func(*load, *wire.Batch, int, int64)) *load {
	return &load{random: rand.New(rand.NewPCG(1, 2)), began: time.Now().Truncate(time.Minute), fill: fill}
}

// next returns what piled up in so many seconds, and how many requests that is.
func (l *load) next(seconds int) (round []*wire.Batch, requests int) {
	for range seconds {
		now := l.began.Add(time.Duration(l.second) * time.Second)
		l.second++
		for source := range sources {
			b := &wire.Batch{
				Source: wire.SourceID{byte(source + 1)}, Sequence: l.second, Node: "gateway",
				BeganMS: l.began.UnixMilli(), SentMS: now.UnixMilli(),
			}
			l.fill(l, b, source, now.Unix()/60)
			for i := range b.Entries {
				requests += int(b.Entries[i].Requests)
			}
			b.Counted = uint64(requests)
			round = append(round, b)
		}
	}
	return round, requests
}

// drawn fills a batch with distinct entries of accounts, endpoints and statuses
// drawn by Zipf's law.
func drawn(l *load, b *wire.Batch, _ int, minute int64) {
	account, endpoint := rand.NewZipf(l.random, 1.1, 8, accounts-1), rand.NewZipf(l.random, 1.2, 2, endpoints-1)
	there := map[wire.EntryKey]bool{}
	for len(b.Entries) < entries {
		id := 1 + account.Uint64()
		k := wire.EntryKey{
			Minute: minute, Account: id, Key: id, Endpoint: 1 + endpoint.Uint64(), Tier: 1 + id%3,
			Status: statuses[min(3, int(l.random.ExpFloat64()*1.2))], Decision: wire.Allowed,
		}
		if k.Status == 429 {
			k.Decision = wire.Throttled
		}
		if !there[k] {
			there[k] = true
			b.Entries = append(b.Entries, l.entry(k))
		}
	}
	b.Sort()
}

// distinct fills a batch with entries of which each is a row that isn't there yet.
func distinct(l *load, b *wire.Batch, source int, minute int64) {
	first := (l.second*sources + uint64(source)) * entries
	for id := first; id < first+entries; id++ {
		b.Entries = append(b.Entries, l.entry(wire.EntryKey{Minute: minute, Account: id, Key: id, Endpoint: 1, Tier: 1, Status: 200, Decision: wire.Allowed}))
	}
}

// entry draws 5 to 25 neighbouring bins of latency with one request or a few each.
func (l *load) entry(k wire.EntryKey) wire.Entry {
	e := wire.Entry{EntryKey: k}
	first, bins := 150+l.random.IntN(60), 5+l.random.IntN(21)
	for i := range bins {
		n := 1 + uint64(l.random.ExpFloat64())
		e.Latency = append(e.Latency, wire.Bin{Index: uint16(first + 2*i), Count: n})
		e.Requests += n
	}
	e.Cost, e.BytesIn, e.BytesOut, e.DurationUS = e.Requests, 700*e.Requests, 2100*e.Requests, 12_000*e.Requests
	return e
}
