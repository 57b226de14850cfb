package app_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// The codes are those of the graphql-transport-ws protocol.
func TestASocketThatBreaksTheProtocolIsClosed(t *testing.T) {
	p := open(t)
	const greet, follow = `{"type":"connection_init"}`, `{"id":"1","type":"subscribe","payload":{"query":"subscription{usage{at}}"}}`
	many := []string{greet}
	for i := range 101 {
		many = append(many, strings.Replace(follow, `"1"`, fmt.Sprintf(`"%d"`, i), 1))
	}
	for name, tc := range map[string]struct {
		messages []string
		want     int
	}{
		"no JSON":              {[]string{"hello"}, 4400},
		"no known type":        {[]string{greet, `{"type":"start"}`}, 4400},
		"no id":                {[]string{greet, `{"type":"subscribe","payload":{"query":"subscription{usage{at}}"}}`}, 4400},
		"a long id":            {[]string{greet, strings.Replace(follow, `"1"`, `"`+strings.Repeat("x", 200)+`"`, 1)}, 4400},
		"no greeting":          {[]string{follow}, 4401},
		"the same id":          {[]string{greet, follow, follow}, 4409},
		"two greetings":        {[]string{greet, greet}, 4429},
		"too many at once":     {many, 4429},
		"a message of 100 KiB": {[]string{strings.Repeat(" ", 100<<10)}, websocket.CloseMessageTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			s := p.bare(p.bearer())
			for _, m := range tc.messages {
				if err := s.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
					break // it has hung up
				}
			}
			for {
				_, _, err := s.ReadMessage()
				closed := new(websocket.CloseError)
				if errors.As(err, &closed) && closed.Code != tc.want {
					t.Errorf("closed with %v, want %d", closed, tc.want)
				}
				if err != nil {
					break
				}
			}
			p.awaitSubscribers(0)
		})
	}
}

func TestASocketAnswersWhatCanNotBeSubscribedTo(t *testing.T) {
	p := open(t)
	s := p.socket(p.bearer())
	for query, want := range map[string]string{
		`subscription{nothing}`:                                 "GRAPHQL_VALIDATION_FAILED",
		`subscription{usage(everyMs:1){at}}`:                    `"everyMs"`,
		`subscription{usage(accountId:"x",endpointId:"y"){at}}`: `"endpointId"`,
		`subscription{usage(keyId:"key_99"){at}}`:               `"keyId"`,
		`subscription{topConsumers(first:0){at}}`:               `"first"`,
		`subscription{remaining(accountId:"acc_99"){at}}`:       "NOT_FOUND",
	} {
		s.send("subscribe", "1", query)
		if m := s.await("error"); !strings.Contains(string(m.Payload), want) {
			t.Errorf("%s: %s, want %s", query, m.Payload, want)
		}
	}
	p.awaitSubscribers(0)
	s.send("subscribe", "1", `subscription{usage(keyId:"NONE"){at}}`)
	if m := s.await("error"); !strings.Contains(string(m.Payload), `"keyId"`) {
		t.Errorf("got %s", m.Payload)
	}
}
