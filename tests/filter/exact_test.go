package filter_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/book"
)

// span is when a request that was admitted was sent and when it was answered: at
// some moment in between it was decided.
type span struct{ sent, answered time.Duration }

// TestFilterInEnvoyIsExactOverEveryWindow sends WEIR_EXACT_REQUESTS requests, 30,000
// by default, over four workers, and holds every window of time that begins with
// one of many requests against the bounds of a rate and of a strict window.
func TestFilterInEnvoyIsExactOverEveryWindow(t *testing.T) {
	requests := int64(30_000)
	if text := os.Getenv("WEIR_EXACT_REQUESTS"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			t.Fatalf("WEIR_EXACT_REQUESTS=%s: give a positive number", text)
		}
		requests = n
	}
	// Both bind at any speed between 300 requests a second and 30,000: first the
	// rate, when its burst is used up, and a second after the start the window.
	const burst, perSecond, perMinute = 200, 100, 300
	perKey := rate(22, "key", perSecond, 1, burst)
	perKey.Subject = book.PerKey
	_, v := inEnvoy(t, gatewayPolicy(
		book.Limit{ID: 21, Name: "window", Subject: book.PerAccount, Selector: book.All, Kind: book.Window, Measure: book.Requests,
			Mode: book.Enforce, Amount: perMinute, PeriodSeconds: 60},
		perKey,
	))
	admitted, refused := sendAll(t, v.url, requests)
	if int64(len(admitted))+refused["window"]+refused["key"] != requests {
		t.Errorf("%d admitted and %v refused of %d", len(admitted), refused, requests)
	}
	slices.SortFunc(admitted, func(a, b span) int { return int(a.answered - b.answered) })
	rateBound := func(window time.Duration) float64 { return burst + perSecond*window.Seconds() }
	windowBound := func(window time.Duration) float64 {
		if window >= time.Minute {
			return float64(requests)
		}
		return perMinute
	}
	broken := 0
	for i := 0; i < len(admitted); i += max(1, len(admitted)/500) {
		from := admitted[i].sent
		within := 0
		for _, s := range admitted {
			if s.sent < from {
				continue
			}
			within++
			// All of these were decided between from and s.answered.
			if n := float64(within); n > rateBound(s.answered-from) || n > windowBound(s.answered-from) {
				broken++
			}
		}
	}
	t.Logf("%d requests over 4 workers: %d admitted, refused by %v, %d windows beyond a bound; %d swaps repeated",
		requests, len(admitted), refused, broken, v.stat(t, "weir.swap.retries"))
	if broken > 0 || refused["window"] == 0 || refused["key"] == 0 {
		t.Errorf("%d windows let more through than they may; refused by %v", broken, refused)
	}
}

// sendAll sends so many requests over many connections, and counts what was
// refused by the limit with the longest wait.
func sendAll(t *testing.T, url string, requests int64) (admitted []span, refused map[string]int64) {
	t.Helper()
	const clients = 32
	var left, byWindow, byKey atomic.Int64
	left.Store(requests)
	began := time.Now()
	spans := make([][]span, clients)
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for left.Add(-1) >= 0 {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("X-Api-Key", "demo-basic")
				sent := time.Since(began)
				response, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(response.Body)
				response.Body.Close()
				switch {
				case err != nil:
					t.Error(err)
				case response.StatusCode == http.StatusOK:
					spans[c] = append(spans[c], span{sent, time.Since(began)})
				case response.StatusCode == http.StatusTooManyRequests && bytes.Contains(body, []byte("Limit window ")):
					byWindow.Add(1)
				case response.StatusCode == http.StatusTooManyRequests && bytes.Contains(body, []byte("Limit key ")):
					byKey.Add(1)
				default:
					t.Errorf("status %d", response.StatusCode)
				}
			}
		})
	}
	wg.Wait()
	return slices.Concat(spans...), map[string]int64{"window": byWindow.Load(), "key": byKey.Load()}
}
