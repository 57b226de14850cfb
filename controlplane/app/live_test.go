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

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

const liveQuery = `subscription{usage{at totals{requests allowed throttled refused corrected} accounts{accountId totals{requests}}}}`

type liveTotals struct{ Requests, Allowed, Throttled, Refused, Corrected int64 }

type liveEvent struct {
	Data struct {
		Usage struct {
			At       time.Time
			Totals   liveTotals
			Accounts []struct {
				AccountID string
				Totals    liveTotals
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
	p.post(usageBatch(1, 7, 5, wire.Allowed))
	s := p.socket(p.bearer())
	if got := s.Subprotocol(); got != "graphql-transport-ws" {
		t.Errorf("protocol %q", got)
	}
	s.send("subscribe", "1", liveQuery)
	s.awaitUsage(func(u liveTotals) bool { return u == liveTotals{Requests: 5, Allowed: 5} })
	p.post(usageBatch(2, 7, 3, wire.Throttled))
	event := s.awaitUsage(func(u liveTotals) bool { return u == liveTotals{Requests: 8, Allowed: 5, Throttled: 3} })
	if a := event.Data.Usage.Accounts; len(a) != 1 || a[0].AccountID != "acc_7" || a[0].Totals.Requests != 8 {
		t.Errorf("accounts %+v", a)
	}
	s.Close()
	p.awaitSubscribers(0)
}

// TestCorrectionsAreInLiveUsage has one that comes while somebody listens, and one
// who listens later.
func TestCorrectionsAreInLiveUsage(t *testing.T) {
	p := open(t)
	p.must(`mutation{createTier(input:{name:"Basic",limits:[]}){tier{id}}}`, nil)
	var made struct {
		CreateAccount struct{ Account struct{ ID string } }
	}
	p.must(`mutation{createAccount(input:{name:"A",tierId:"tier_1"}){account{id}}}`, &made)
	account, err := controlplane.KindAccount.Parse("id", made.CreateAccount.Account.ID)
	if err != nil {
		t.Fatal(err)
	}
	p.post(usageBatch(1, uint64(account), 5, wire.Allowed))
	early := p.socket(p.bearer())
	early.send("subscribe", "1", liveQuery)
	early.awaitUsage(func(u liveTotals) bool { return u.Requests == 5 })
	adjust := fmt.Sprintf(`mutation{adjustUsage(input:{clientId:"one",accountId:%q,at:%q,requests:-2,reason:"counted twice"}){known correction{id}}}`,
		made.CreateAccount.Account.ID, time.Now().UTC().Format(time.RFC3339))
	p.must(adjust, nil)
	p.must(adjust, nil)
	want := liveTotals{Requests: 3, Allowed: 5, Corrected: -2}
	early.awaitUsage(func(u liveTotals) bool { return u == want })
	late := p.socket(p.bearer())
	late.send("subscribe", "1", liveQuery)
	late.awaitUsage(func(u liveTotals) bool { return u == want })
	p.post(usageBatch(2, uint64(account), 1, wire.Allowed))
	want.Requests, want.Allowed = 4, 6
	for _, s := range []*socket{early, late} {
		s.awaitUsage(func(u liveTotals) bool { return u == want })
	}
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
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			t.Fatalf("got %s, %v", data, err)
		}
		if event.Data.Usage.Totals.Allowed == 0 {
			continue
		}
		if event.Data.Usage.Totals.Allowed != 5 {
			t.Errorf("got %s", data)
		}
		resp.Body.Close()
		p.awaitSubscribers(0)
		return
	}
	t.Fatal(lines.Err())
}

func TestLiveUsageOfAnAccountThatIsNot(t *testing.T) {
	p := open(t)
	got := p.send("POST", p.http("/graphql"), `{"query":"subscription{usage(accountId:\"acc_9\"){at}}"}`,
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

func (p *plane) bearer() http.Header { return http.Header{"Authorization": {"Bearer " + p.token}} }

// awaitUsage reads events until one has what is wanted.
func (s *socket) awaitUsage(wanted func(liveTotals) bool) liveEvent {
	s.t.Helper()
	for {
		var event liveEvent
		m := s.await("next")
		if err := json.Unmarshal(m.Payload, &event); err != nil || event.Errors != nil {
			s.t.Fatalf("%s %v", m.Payload, err)
		}
		if wanted(event.Data.Usage.Totals) {
			return event
		}
	}
}
