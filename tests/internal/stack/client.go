package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Response is an answer of the gateway, read whole.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Client is a client of the API with a connection of its own.
type Client struct {
	http    *http.Client
	gateway string
	s       *Stack
}

// NewClient returns a client that uses one connection.
func (s *Stack) NewClient() *Client { return s.NewClientOf(s.Gateway) }

// NewClientOf returns a client of another Envoy.
func (s *Stack) NewClientOf(gateway string) *Client {
	transport := &http.Transport{MaxConnsPerHost: 1}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &Client{&http.Client{Transport: transport}, gateway, s}
}

// Send sends a request through the gateway. An empty key sends none.
func (c *Client) Send(ctx context.Context, method, path, key string) (Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.gateway+path, nil)
	if err != nil {
		return Response{}, err
	}
	if key != "" {
		r.Header.Set("x-api-key", key)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return Response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	c.s.answered.Add(1)
	return Response{resp.StatusCode, resp.Header, string(body)}, err
}

// Answered returns how many requests the gateway has answered.
func (s *Stack) Answered() int64 { return s.answered.Load() }

// Get sends a GET that must be answered.
func (c *Client) Get(path, key string) Response {
	c.s.t.Helper()
	r, err := c.Send(c.s.t.Context(), http.MethodGet, path, key)
	if err != nil {
		c.s.t.Fatal(err)
	}
	return r
}

// Query runs a GraphQL operation that must work, and reads its answer into data.
func (s *Stack) Query(operation string, data any) {
	s.t.Helper()
	if err := s.TryQuery(operation, data); err != nil {
		s.t.Fatalf("%s: %v", operation, err)
	}
}

// TryQuery runs a GraphQL operation.
func (s *Stack) TryQuery(operation string, data any) error {
	body, err := json.Marshal(map[string]string{"query": operation})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, "http://"+s.Config.HTTPAddr+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + s.Token}}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var reply struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil {
		return err
	}
	if reply.Errors != nil {
		return fmt.Errorf("%v", reply.Errors)
	}
	if data == nil {
		return nil
	}
	return json.Unmarshal(reply.Data, data)
}

// Requests returns the totals of one granularity since an hour ago.
func (s *Stack) Requests(granularity, filter string) (requests int64) {
	s.t.Helper()
	var read struct {
		Usage struct{ Totals struct{ Requests int64 } }
	}
	s.Query(fmt.Sprintf(`{usage(from:%q,granularity:%s,filter:{%s}){totals{requests}}}`,
		time.Now().Add(-time.Hour).Format(time.RFC3339), granularity, filter), &read)
	return read.Usage.Totals.Requests
}

// Live is an event of the usage subscription, the counts of today, and when it came.
type Live struct {
	Requests, Allowed, Throttled, Refused int64
	At                                    time.Time
}

// Account returns the id of the only account whose name contains part.
func (s *Stack) Account(part string) string {
	s.t.Helper()
	var read struct {
		Accounts struct{ Nodes []struct{ ID string } }
	}
	s.Query(fmt.Sprintf(`{accounts(filter:{text:%q}){nodes{id}}}`, part), &read)
	if len(read.Accounts.Nodes) != 1 {
		s.t.Fatalf("%d accounts are called %s", len(read.Accounts.Nodes), part)
	}
	return read.Accounts.Nodes[0].ID
}

// AwaitSnapshot waits until every worker runs the newest snapshot. It sends no
// request through the gateway.
func (s *Stack) AwaitSnapshot() {
	s.t.Helper()
	s.Eventually("every worker to run the newest snapshot", func() bool {
		var read struct {
			Rollout struct {
				Snapshot int64
				Workers  []struct{ Snapshot int64 }
			}
		}
		s.Query(`{rollout{snapshot workers{snapshot}}}`, &read)
		for _, w := range read.Rollout.Workers {
			if w.Snapshot != read.Rollout.Snapshot {
				return false
			}
		}
		return len(read.Rollout.Workers) > s.workers // the main thread counts as one, too
	})
}

// Subscribe opens the usage subscription of an account over a WebSocket and
// returns once it has begun. Events come until the test ends.
func (s *Stack) Subscribe(account string) <-chan Live {
	s.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, _, err := dialer.DialContext(s.t.Context(), "ws://"+s.Config.HTTPAddr+"/graphql", http.Header{"Authorization": {"Bearer " + s.Token}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	before := s.app.Subscribers()
	for _, message := range []string{
		`{"type":"connection_init"}`,
		fmt.Sprintf(`{"id":"1","type":"subscribe","payload":{"query":"subscription($a:ID){usage(accountId:$a){totals{requests allowed throttled refused}}}","variables":{"a":%q}}}`, account),
	} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
			s.t.Fatal(err)
		}
	}
	s.Eventually("the subscription", func() bool { return s.app.Subscribers() > before })
	events := make(chan Live, 1000)
	go func() {
		defer close(events)
		for {
			_, text, err := conn.ReadMessage()
			if err != nil {
				return
			}
			var m struct {
				Type    string
				Payload struct {
					Data struct{ Usage struct{ Totals Live } }
				}
			}
			if json.Unmarshal(text, &m) == nil && m.Type == "next" {
				event := m.Payload.Data.Usage.Totals
				event.At = time.Now()
				events <- event
			}
		}
	}()
	return events
}

// Next returns the next event.
func (s *Stack) Next(events <-chan Live) Live {
	s.t.Helper()
	select {
	case event, open := <-events:
		if open {
			return event
		}
		s.t.Fatal("the subscription ended")
	case <-time.After(patience):
		s.t.Fatalf("no event within %v", patience)
	}
	return Live{}
}

// Stat returns one of Envoy's counters or gauges by the end of its name.
func (s *Stack) Stat(suffix string) string {
	s.t.Helper()
	resp, err := http.Get(s.Admin + "/stats?usedonly")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok && strings.HasSuffix(name, suffix) {
			return value
		}
	}
	return ""
}
