package subscribe

import (
	"encoding/json"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// message is what a client sends.
type message struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// read obeys the client until the connection is over.
func (c *socket) read() {
	c.conn.SetReadLimit(maxMessage)
	c.conn.SetPongHandler(func(string) error { return c.alive() })
	late := time.AfterFunc(initWithin, func() { c.close(closeLate) })
	defer late.Stop()
	for {
		if c.greeted {
			late.Stop()
		}
		_, text, err := c.conn.ReadMessage()
		if err != nil || c.alive() != nil {
			return
		}
		var m message
		if json.Unmarshal(text, &m) != nil {
			c.close(closeBadMessage)
			continue // until the writer has said so
		}
		if why := c.obey(&m); why != nil {
			c.close(*why)
		}
	}
}

// alive gives the client more time.
func (c *socket) alive() error { return c.conn.SetReadDeadline(time.Now().Add(silentFor)) }

// obey does what a message says, or says why the connection has to be closed.
func (c *socket) obey(m *message) *closing {
	switch m.Type {
	case "connection_init":
		if c.greeted {
			return &closeTwice
		}
		c.greeted = true
		c.answer(reply("", "connection_ack", nil))
	case "ping":
		c.answer(reply("", "pong", nil))
	case "pong":
	case "subscribe":
		return c.subscribe(m)
	case "complete":
		c.mu.Lock()
		s := c.subscribers[m.ID]
		c.mu.Unlock()
		if s != nil {
			c.forget(s)
		}
	default:
		return &closeBadMessage
	}
	return nil
}

func (c *socket) subscribe(m *message) *closing {
	if !c.greeted {
		return &closeUnauthorized
	}
	var params graphql.RawParams
	if m.ID == "" || len(m.ID) > maxIDBytes || json.Unmarshal(m.Payload, &params) != nil {
		return &closeBadMessage
	}
	c.mu.Lock()
	_, taken := c.subscribers[m.ID]
	many := len(c.subscribers) >= maxSubscribed
	over := c.closing != nil
	c.mu.Unlock()
	switch {
	case over:
		return nil
	case taken:
		return &closeSameID
	case many:
		return &closeMany
	}
	s, errs := c.server.open(c.ctx, c.exec, &params, c)
	if errs != nil {
		c.answer(reply(m.ID, "error", encodeErrors(errs)))
		return nil
	}
	c.admit(s, m.ID)
	return nil
}

// admit makes a subscriber the connection's. What its stream has for it by now is
// written next.
func (c *socket) admit(s *subscriber, id string) {
	quoted, err := json.Marshal(id)
	if err != nil {
		panic(err) // a string
	}
	c.mu.Lock()
	s.id = id
	s.head = []byte(`{"id":` + string(quoted) + `,"type":"next","payload":`)
	c.subscribers[id] = s
	c.mu.Unlock()
	c.news(s)
}

// errorsOf is how an answer without data looks.
func errorsOf(errs gqlerror.List) []byte {
	return append(append([]byte(`{"errors":`), encodeErrors(errs)...), '}')
}
