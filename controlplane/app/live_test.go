package app_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/weirhq/weir/plugin/wire"
)

const liveQuery = `subscription{liveUsage{requests allowed throttled refused accounts{accountId requests}}}`

type liveEvent struct {
	Data struct {
		LiveUsage struct {
			Requests, Allowed, Throttled, Refused int64
			Accounts                              []struct {
				AccountID string
				Requests  int64
			}
		}
	}
	Errors []gqlError
}

// usageBatch is a batch of one account's requests in this minute.
func usageBatch(sequence, account, requests uint64, d wire.Decision) *wire.Batch {
	return &wire.Batch{
		Source: wire.SourceID{1, 2, 3}, Sequence: sequence, Node: "gateway-1", SentMS: time.Now().UnixMilli(),
		Entries: []wire.Entry{{
			EntryKey: wire.EntryKey{Minute: time.Now().Unix() / 60, Account: account, Status: 200, Decision: d},
			Requests: requests, Cost: requests,
		}},
	}
}

// post hands a batch to the edge, as a filter does.
func (p *plane) post(b *wire.Batch) answer {
	p.t.Helper()
	body, err := wire.EncodeBatch(nil, b)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.send("POST", p.edge("/edge/v1/usage"), string(body), "Authorization", "Bearer "+nodeToken)
}

func TestLiveUsageOverWebSocket(t *testing.T) {
	p := open(t)
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, resp, err := dialer.DialContext(t.Context(), "ws://"+p.HTTPAddr()+"/graphql", http.Header{"Authorization": {"Bearer " + p.token}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := resp.Header.Get("Sec-Websocket-Protocol"); got != "graphql-transport-ws" {
		t.Errorf("protocol %q", got)
	}
	write := func(message any) {
		if err := conn.WriteJSON(message); err != nil {
			t.Fatal(err)
		}
	}
	next := func(wanted string) json.RawMessage {
		for {
			var m struct {
				Type    string
				Payload json.RawMessage
			}
			if err := conn.ReadJSON(&m); err != nil {
				t.Fatal(err)
			}
			if m.Type == wanted {
				return m.Payload
			}
			if m.Type == "error" {
				t.Fatalf("%s", m.Payload)
			}
		}
	}
	write(map[string]string{"type": "connection_init"})
	next("connection_ack")
	write(map[string]any{"id": "1", "type": "subscribe", "payload": map[string]string{"query": liveQuery}})
	p.awaitSubscribers(1)
	p.post(usageBatch(1, 7, 5, wire.Allowed))
	p.post(usageBatch(2, 7, 3, wire.Throttled))
	var sum int64
	for sum < 8 {
		var event liveEvent
		if err := json.Unmarshal(next("next"), &event); err != nil || event.Errors != nil {
			t.Fatal(err, event.Errors)
		}
		sum += event.Data.LiveUsage.Requests
		if a := event.Data.LiveUsage.Accounts; len(a) != 1 || a[0].AccountID != "acc_7" {
			t.Errorf("accounts %+v", a)
		}
	}
	if sum != 8 {
		t.Errorf("%d requests, want 8", sum)
	}
	conn.Close()
	p.awaitSubscribers(0)
}

func TestAWebSocketOfAnotherOriginIsRefused(t *testing.T) {
	p := open(t)
	header := http.Header{"Authorization": {"Bearer " + p.token}, "Origin": {"https://evil.example"}}
	_, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+p.HTTPAddr()+"/graphql", header)
	if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("got %v, %v", resp, err)
	}
}

func TestAWebSocketTakesSoMuchAndNoMore(t *testing.T) {
	p := open(t)
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, _, err := dialer.DialContext(t.Context(), "ws://"+p.HTTPAddr()+"/graphql", http.Header{"Authorization": {"Bearer " + p.token}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	flood := []byte(`{"type":"connection_init","payload":{"x":"` + strings.Repeat("x", 2<<20) + `"}}`)
	// The server hangs up on the way; whether the write or the read sees it first
	// is chance.
	_ = conn.WriteMessage(websocket.TextMessage, flood)
	for {
		_, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if strings.Contains(string(message), "connection_ack") {
			t.Fatal("a message of 2 MiB was taken")
		}
	}
}

func TestLiveUsageAsServerSentEvents(t *testing.T) {
	p := open(t)
	body := fmt.Sprintf(`{"query":%q}`, liveQuery)
	r, err := http.NewRequestWithContext(t.Context(), "POST", p.http("/graphql"), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Accept": "text/event-stream", "Content-Type": "application/json", "Authorization": "Bearer " + p.token} {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	p.awaitSubscribers(1)
	p.post(usageBatch(1, 7, 5, wire.Allowed))
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var event liveEvent
		if err := json.Unmarshal([]byte(data), &event); err != nil || event.Data.LiveUsage.Allowed != 5 {
			t.Fatalf("got %s, %v", data, err)
		}
		resp.Body.Close()
		p.awaitSubscribers(0)
		return
	}
	t.Fatal(lines.Err())
}

func TestLiveUsageOfAnAccountThatIsNot(t *testing.T) {
	p := open(t)
	got := p.send("POST", p.http("/graphql"), `{"query":"subscription{liveUsage(accountId:\"acc_9\"){requests}}"}`,
		"Accept", "text/event-stream", "Content-Type", "application/json", "Authorization", "Bearer "+p.token)
	if !strings.Contains(got.Body, `"NOT_FOUND"`) || !strings.Contains(got.Body, `"accountId"`) {
		t.Errorf("got %s", got.Body)
	}
}

// awaitSubscribers waits until so many subscriptions are open. The test's own
// deadline bounds it.
func (p *plane) awaitSubscribers(n int) {
	p.t.Helper()
	for tick := time.NewTicker(5 * time.Millisecond); p.Subscribers() != n; <-tick.C {
		if p.t.Context().Err() != nil {
			p.t.Fatal("the test ended")
		}
	}
}
