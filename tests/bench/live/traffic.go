package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// generator makes the batches of one filter worker.
type generator struct {
	source    wire.SourceID
	began     time.Time
	sequence  uint64
	counted   uint64
	accounts  int
	endpoints int
	random    *mathrand.Rand
}

func newGenerator(worker, accounts, endpoints int) *generator {
	g := &generator{began: time.Now(), accounts: accounts, endpoints: endpoints, random: mathrand.New(mathrand.NewPCG(1, uint64(worker)))}
	if _, err := rand.Read(g.source[:]); err != nil {
		panic(err) // it never fails
	}
	return g
}

// batch has so many requests, spread evenly over the accounts, and says where each
// of these stands with a limit.
func (g *generator) batch(now time.Time, requests int) *wire.Batch {
	counts := map[wire.EntryKey]uint64{}
	for i := range requests {
		account := uint64(i%g.accounts + 1)
		k := wire.EntryKey{Minute: now.Unix() / 60, Account: account, Key: account, Endpoint: uint64(g.random.IntN(g.endpoints) + 1), Tier: 1, Status: 200, Decision: wire.Allowed}
		if g.random.IntN(20) == 0 {
			k.Status, k.Decision = 429, wire.Throttled
		}
		counts[k]++
	}
	g.sequence++
	g.counted += uint64(requests)
	b := &wire.Batch{
		Source: g.source, Sequence: g.sequence, Node: "bench", SentMS: now.UnixMilli(), BeganMS: g.began.UnixMilli(), Counted: g.counted,
	}
	for k, n := range counts {
		b.Entries = append(b.Entries, wire.Entry{EntryKey: k, Requests: n, Cost: n, BytesIn: 300 * n, BytesOut: 2000 * n, DurationUS: 3000 * n})
	}
	for account := range min(g.accounts, requests) {
		b.Levels = append(b.Levels, wire.Level{Account: uint64(account + 1), Limit: 1, Remaining: 100, AtMS: now.UnixMilli()})
	}
	return b
}

// post hands a batch to the edge.
func post(ctx context.Context, s *server, b *wire.Batch) error {
	b.Sort()
	body, err := wire.EncodeBatch(nil, b)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Edge+"/edge/v1/usage", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+nodeToken)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("post a batch: %d %s %w", resp.StatusCode, text, err)
	}
	return nil
}
