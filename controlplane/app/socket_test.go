package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/weirhq/weir/controlplane"
)

// socket is an open WebSocket that has been greeted.
type socket struct {
	*websocket.Conn
	t *testing.T
}

type socketMessage struct {
	Type    string
	Payload json.RawMessage
}

func (p *plane) socket(headers http.Header) *socket {
	p.t.Helper()
	s := p.bare(headers)
	s.send("connection_init", "", "")
	s.await("connection_ack")
	return s
}

// bare is a WebSocket that has not been greeted.
func (p *plane) bare(headers http.Header) *socket {
	p.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, _, err := dialer.DialContext(p.t.Context(), "ws://"+p.HTTPAddr()+"/graphql", headers)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	return &socket{conn, p.t}
}

func (s *socket) send(kind, id, query string) {
	s.t.Helper()
	message := map[string]any{"type": kind}
	if id != "" {
		message["id"], message["payload"] = id, map[string]string{"query": query}
	}
	if err := s.WriteJSON(message); err != nil {
		s.t.Fatal(err)
	}
}

// await returns the next message that isn't a ping.
func (s *socket) await(wanted string) socketMessage {
	s.t.Helper()
	for {
		var m socketMessage
		if err := s.ReadJSON(&m); err != nil {
			s.t.Fatal(err)
		}
		if m.Type == "ping" {
			continue
		}
		if m.Type != wanted {
			s.t.Fatalf("got %+v, want %s", m, wanted)
		}
		return m
	}
}

func TestASocketEndsWithItsCredentials(t *testing.T) {
	p := open(t)
	link, err := p.SignInLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(link, "#token=")
	session, _, _ := strings.Cut(p.send("POST", p.http("/auth/sign-in"), `{"token":"`+token+`"}`).Header.Get("Set-Cookie"), ";")
	for name, tc := range map[string]struct {
		header http.Header
		end    func()
	}{
		"sign-out": {http.Header{"Cookie": {session}}, func() {
			p.send("POST", p.http("/graphql"), `{"query":"mutation{signOut}"}`, "Content-Type", "application/json", "Cookie", session)
		}},
		"a new token": {http.Header{"Authorization": {"Bearer " + p.token}}, func() {
			if err := p.DB().SetAPIToken(t.Context(), "tests", controlplane.NewSecret("")); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := p.socket(tc.header)
			s.send("subscribe", "1", liveQuery)
			p.awaitSubscribers(1)
			tc.end()
			for {
				if _, _, err := s.ReadMessage(); err != nil {
					if !websocket.IsCloseError(err, 4401) {
						t.Errorf("closed with %v", err)
					}
					break
				}
			}
			p.awaitSubscribers(0)
		})
	}
}

func TestASocketTakesSubscriptionsOnly(t *testing.T) {
	p := open(t)
	s := p.socket(http.Header{"Authorization": {"Bearer " + p.token}})
	s.send("subscribe", "1", "mutation{createMemberLink(id:\"mem_1\"){url}}")
	if m := s.await("error"); !strings.Contains(string(m.Payload), "by POST") || strings.Contains(string(m.Payload), "#token") {
		t.Errorf("got %s", m.Payload)
	}
}
