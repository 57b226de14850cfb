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
	s.Eventually("a first snapshot", func() bool { return s.NewClient().Get("/hello", demo.EnterpriseKey).Status == http.StatusOK })
	events := s.Subscribe(s.Account("Halden"))
	base := s.Answered()
	seen := sendMix(t, s)
	seen[outcome{200, "ALLOWED"}]++ // the one that found the first snapshot
	seen[outcome{503, "UNREADY"}] += base - 1
	s.Eventually("every request in the rollups", func() bool { return s.Requests("MINUTE", "") >= s.Answered() })
	for _, granularity := range []string{"MINUTE", "HOUR", "DAY", "MONTH"} {
		if got := s.Requests(granularity, ""); got != s.Answered() {
			t.Errorf("by the %s: %d requests, the gateway answered %d", granularity, got, s.Answered())
		}
	}
	got := map[outcome]int64{}
	for o := range seen {
		got[o] = s.Requests("HOUR", fmt.Sprintf("statuses:[%d],decisions:[%s]", o.status, o.decision))
	}
	if diff := cmp.Diff(seen, got); diff != "" {
		t.Errorf("(-answers that clients got +rollups):\n%s", diff)
	}
	var live int64
	for live < clients*rounds {
		live = s.Next(events).Requests
	}
	if live != clients*rounds {
		t.Errorf("the subscription told of %d requests of an account, want %d", live, clients*rounds)
	}
}

func TestARequestIsSeenLiveWithinTwoSeconds(t *testing.T) {
	s := stack.Start(t, databases.New(t), stack.Options{})
	client := s.NewClient()
	s.Eventually("a first snapshot", func() bool { return client.Get("/hello", demo.EnterpriseKey).Status == http.StatusOK })
	events := s.Subscribe(s.Account("Halden"))
	var worst time.Duration
	seen := s.Next(events).Requests
	// One request at a time, each at another moment of the flush interval, which
	// the one before decides.
	for range 12 {
		sent := time.Now()
		client.Get("/hello", demo.ProfessionalKey)
		event := s.Next(events)
		for event.Requests == seen { // now and then an event says the same again
			event = s.Next(events)
		}
		worst = max(worst, event.At.Sub(sent))
		if seen++; event.Requests != seen || event.Allowed != seen {
			t.Errorf("sent %d requests, saw %+v", seen, event)
		}
	}
	t.Logf("from request to subscriber, the slowest of 12: %v", worst)
	if worst > freshness {
		t.Errorf("a request was seen after %v, want at most %v", worst, freshness)
	}
}

// How much sendMix sends: each client one request of each kind a round.
const clients, rounds = 8, 40

// outcome is what a client sees of a request and what the meter calls it.
type outcome struct {
	status   int
	decision string
}

// sendMix sends requests of every outcome from eight clients at once, and
// returns how many had which.
func sendMix(t *testing.T, s *stack.Stack) map[outcome]int64 {
	t.Helper()
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
