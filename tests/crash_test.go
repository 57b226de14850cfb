package tests

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/weirhq/weir/controlplane/demo"
	"github.com/weirhq/weir/tests/internal/stack"
)

// TestAKilledControlPlaneCostsNothing kills the control plane, with the
// JetStream in it, again and again while requests go on.
func TestAKilledControlPlaneCostsNothing(t *testing.T) {
	s := stack.Start(t, databases.New(t), stack.Options{Workers: 4, Outside: true})
	plane := s.Serve()
	s.Eventually("a first snapshot", func() bool { return s.NewClient().Get("/hello", demo.EnterpriseKey).Status == http.StatusOK })

	var stop atomic.Bool
	traffic, going := errgroup.WithContext(t.Context())
	// reached waits for so many answers more, or for a client that gave up.
	reached := func(what string, more int64) {
		base := s.Answered()
		s.Eventually(what, func() bool { return s.Answered() > base+more || going.Err() != nil })
	}
	for n := range 6 {
		client := s.NewClient()
		traffic.Go(func() error {
			for i := 0; !stop.Load(); i++ {
				key := []string{demo.EnterpriseKey, demo.ProfessionalKey, demo.BasicKey}[(n+i)%3]
				got, err := client.Send(t.Context(), http.MethodGet, fmt.Sprintf("/v1/users/%d?delay=3ms", i), key)
				if err != nil {
					return fmt.Errorf("request %d of client %d: %w", i, n, err)
				}
				if got.Status != http.StatusOK && got.Status != http.StatusTooManyRequests {
					return fmt.Errorf("request %d of client %d: %d %s", i, n, got.Status, got.Body)
				}
			}
			return nil
		})
	}
	for range 3 {
		// Let usage get under way, so that there is something to lose.
		reached("traffic", 1500)
		if err := syscall.Kill(plane.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-plane.Done()
		reached("traffic without a control plane", 1500)
		plane = s.Serve()
	}
	stop.Store(true)
	if err := traffic.Wait(); err != nil {
		t.Fatal(err)
	}
	s.Eventually("all usage committed", func() bool { return s.Requests("MINUTE", "") >= s.Answered() })
	for _, granularity := range []string{"MINUTE", "HOUR", "DAY", "MONTH"} {
		if got := s.Requests(granularity, ""); got != s.Answered() {
			t.Errorf("by the %s: %d requests, sent %d", granularity, got, s.Answered())
		}
	}
	t.Logf("%d requests over three kills", s.Answered())
}
