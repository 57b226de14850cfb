package tests

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/controlplane/demo"
	"github.com/weirhq/weir/tests/internal/stack"
)

// freshness is how soon a request has to be seen by a subscriber.
const freshness = 2 * time.Second

func TestEveryRequestIsCountedOnceEverywhere(t *testing.T) {
	s := stack.Start(t, databases.New(t), stack.Options{Workers: 4})
	events := s.Subscribe()
	s.Eventually("a subscription that hears of a request", func() bool {
		s.NewClient().Get("/hello", demo.EnterpriseKey)
		return len(events) > 0
	})
	s.Eventually("the first requests in the rollups", func() bool { return s.Requests("MINUTE", "") > 0 && s.Stat("pending_requests") == "0" })
	before := s.Requests("MINUTE", "")
	for len(events) > 0 {
		<-events
	}

	seen := sendMix(t, s)
	var sent int64
	for _, n := range seen {
		sent += n
	}
	s.Eventually("every request in the rollups", func() bool { return s.Requests("MINUTE", "")-before >= sent })
	for _, granularity := range []string{"MINUTE", "HOUR", "DAY", "MONTH"} {
		if got := s.Requests(granularity, "") - before; got != sent {
			t.Errorf("by the %s: %d requests, sent %d", granularity, got, sent)
		}
	}
	got := map[outcome]int64{}
	for o := range seen {
		got[o] = s.Requests("HOUR", fmt.Sprintf("statuses:[%d],decisions:[%s]", o.status, o.decision))
	}
	got[outcome{200, "ALLOWED"}] -= before
	if diff := cmp.Diff(seen, got); diff != "" {
		t.Errorf("(-answers that clients got +rollups):\n%s", diff)
	}
}

func TestARequestIsSeenLiveWithinTwoSeconds(t *testing.T) {
	s := stack.Start(t, databases.New(t), stack.Options{})
	client, events := s.NewClient(), s.Subscribe()
	s.Eventually("a subscription that hears of a request", func() bool {
		client.Get("/hello", demo.EnterpriseKey)
		return len(events) > 0
	})
	s.Eventually("the first requests seen", func() bool { return s.Stat("pending_requests") == "0" })
	var worst time.Duration
	// One request at a time, each at another moment of the flush interval, which
	// the one before decides.
	for range 12 {
		for len(events) > 0 {
			<-events
		}
		sent := time.Now()
		client.Get("/hello", demo.EnterpriseKey)
		event := <-events
		worst = max(worst, event.At.Sub(sent))
		if event.Requests != 1 || event.Allowed != 1 {
			t.Errorf("sent 1 request, saw %+v", event)
		}
	}
	t.Logf("from request to subscriber, the slowest of 12: %v", worst)
	if worst > freshness {
		t.Errorf("a request was seen after %v, want at most %v", worst, freshness)
	}
}

// outcome is what a client sees of a request and what the meter calls it.
type outcome struct {
	status   int
	decision string
}

// sendMix sends requests of every outcome from eight clients at once, and
// returns how many had which.
func sendMix(t *testing.T, s *stack.Stack) map[outcome]int64 {
	t.Helper()
	const clients, rounds = 8, 40
	results := make(chan outcome, clients*rounds*5)
	var group errgroup.Group
	for range clients {
		client := s.NewClient()
		group.Go(func() error {
			for i := range rounds {
				for _, r := range []struct{ method, path, key string }{
					{http.MethodGet, fmt.Sprintf("/v1/users/%d?size=2000", i), demo.EnterpriseKey},
					{http.MethodPost, "/v1/orders", demo.ProfessionalKey},
					{http.MethodGet, "/v1/search?status=503", demo.EnterpriseKey},
					{http.MethodGet, "/nowhere", demo.BasicKey},
					{http.MethodGet, "/v1/users/1", "nobody's-key"},
				} {
					got, err := client.Send(t.Context(), r.method, r.path, r.key)
					if err != nil {
						return err
					}
					results <- outcome{got.Status, decisionOf(got)}
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	close(results)
	seen := map[outcome]int64{}
	for o := range results {
		seen[o]++
	}
	for _, want := range []outcome{{200, "ALLOWED"}, {503, "ALLOWED"}, {429, "THROTTLED"}, {401, "UNAUTHENTICATED"}} {
		if seen[want] == 0 {
			t.Errorf("no request had %+v: %v", want, seen)
		}
	}
	return seen
}

func decisionOf(r stack.Response) string {
	switch {
	case r.Status == http.StatusTooManyRequests:
		return "THROTTLED"
	case r.Status == http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case r.Status == http.StatusServiceUnavailable && strings.Contains(r.Header.Get("Content-Type"), "problem"):
		return "UNREADY"
	}
	return "ALLOWED"
}
