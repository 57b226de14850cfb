package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Bounds of the wait for the first answer.
const (
	answerWithin = 30 * time.Second
	askEvery     = 50 * time.Millisecond
)

// awaitAnswer waits until the filter has its first snapshot and answers a
// request. The request shows no key, so that it is nobody's usage; any answer but
// 503 will do.
func (s *Stack) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := s.envoy.AwaitSnapshot(ctx); err != nil {
		return fmt.Errorf("%w; see %s", err, s.Logs())
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		status, err := ask(ctx, client, "http://"+s.config.Gateway+"/")
		if err == nil && status != http.StatusServiceUnavailable {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the gateway did not answer in time (last with status %d); see %s", status, s.Logs()), err)
		case err := <-s.failed:
			return err
		case <-tick.C:
		}
	}
}

func ask(ctx context.Context, client *http.Client, url string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, fmt.Errorf("ask the gateway: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("ask the gateway: %w", err)
	}
	return response.StatusCode, response.Body.Close()
}
