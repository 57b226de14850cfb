package subscribe

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"
)

// protocol is https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverWebSocket.md.
const protocol = "graphql-transport-ws"

// signedOut is what they are told whose credentials are not good any more, or not for
// the same: at most 123 bytes, as in a close frame.
const signedOut = "sign in again: the session or API token has ended, or what it may see has changed"

// Reasons to close a socket, as the protocol has them.
var (
	closeBadMessage   = closing{4400, "that is not a message of " + protocol}
	closeUnauthorized = closing{4401, "send connection_init first"}
	closeSignedOut    = closing{4401, signedOut}
	closeLate         = closing{4408, "connection_init did not come in time"}
	closeSameID       = closing{4409, "there is a subscription with this id"}
	closeTwice        = closing{4429, "connection_init came twice"}
	closeMany         = closing{4429, "too many subscriptions over one connection, or too many messages left unread"}
	closeGoingAway    = closing{websocket.CloseGoingAway, "the server stops"}
)

type closing struct {
	code   int
	reason string
}

type sockets struct {
	*Server
	upgrader websocket.Upgrader
}

// Sockets returns the transport over WebSockets.
func (s *Server) Sockets() graphql.Transport {
	return sockets{s, websocket.Upgrader{
		CheckOrigin: s.config.SameOrigin, HandshakeTimeout: initWithin, Subprotocols: []string{protocol},
		// Small ones: a connection reads little, and writes one event at a time.
		ReadBufferSize: 1 << 10, WriteBufferSize: 4 << 10, WriteBufferPool: &sync.Pool{},
	}}
}

// Supports implements graphql.Transport.
func (s sockets) Supports(r *http.Request) bool { return websocket.IsWebSocketUpgrade(r) }

// Do implements graphql.Transport.
func (s sockets) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	conn, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	ctx, cancel := context.WithCancel(r.Context())
	c := &socket{server: s.Server, exec: exec, conn: conn, ctx: ctx, subscribers: map[string]*subscriber{}, signal: make(chan struct{}, 1)}
	defer s.watches.begin(r, func() { c.close(closeSignedOut) })()
	var writer sync.WaitGroup
	writer.Go(func() {
		c.write()
		conn.Close() // makes the reader return
	})
	c.read()
	cancel()
	writer.Wait()
	c.leaveAll()
}

// socket is a connection. One goroutine reads and one writes.
type socket struct {
	server *Server
	exec   graphql.GraphExecutor
	conn   *websocket.Conn
	ctx    context.Context // ends when the client is gone, or the server stops

	greeted bool // the reader's

	mu          sync.Mutex
	subscribers map[string]*subscriber
	fresh       []*subscriber // have something to take
	answers     [][]byte
	closing     *closing
	signal      chan struct{} // has room for one: there is something to write
}

func (c *socket) wake() {
	select {
	case c.signal <- struct{}{}:
	default:
	}
}

// news implements listener.
func (c *socket) news(s *subscriber) {
	c.mu.Lock()
	c.fresh = append(c.fresh, s)
	if len(c.fresh) > 2*maxSubscribed { // the same ones over and over: the writer waits for the client
		c.fresh = unique(c.fresh)
	}
	c.mu.Unlock()
	c.wake()
}

func unique(subscribers []*subscriber) []*subscriber {
	seen := make(map[*subscriber]struct{}, maxSubscribed)
	kept := subscribers[:0]
	for _, s := range subscribers {
		if _, ok := seen[s]; !ok {
			seen[s] = struct{}{}
			kept = append(kept, s)
		}
	}
	return kept
}

func (c *socket) answer(message []byte) {
	c.mu.Lock()
	c.answers = append(c.answers, message)
	if len(c.answers) > maxWaiting && c.closing == nil {
		c.closing = &closeMany
	}
	c.mu.Unlock()
	c.wake()
}

func (c *socket) close(reason closing) {
	c.mu.Lock()
	if c.closing == nil {
		c.closing = &reason
	}
	c.mu.Unlock()
	c.wake()
}

func (c *socket) leaveAll() {
	c.mu.Lock()
	left := c.subscribers
	c.subscribers = map[string]*subscriber{}
	c.mu.Unlock()
	for _, s := range left {
		c.server.streams.leave(s)
	}
}

// take returns what is to be written now.
func (c *socket) take() (answers [][]byte, fresh []*subscriber, closing *closing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answers, fresh, closing = c.answers, c.fresh, c.closing
	c.answers, c.fresh = nil, nil
	return answers, fresh, closing
}

// write writes until the connection is over.
func (c *socket) write() {
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		select {
		case <-c.signal:
			if !c.writePending() {
				return
			}
		case <-alive.C:
			if c.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWithin)) != nil {
				return
			}
		case <-c.ctx.Done():
			c.farewell(closeGoingAway)
			return
		}
	}
}

func (c *socket) writePending() bool {
	answers, fresh, closing := c.take()
	for _, a := range answers {
		if c.send(a) != nil {
			return false
		}
	}
	for _, s := range fresh {
		if !c.writeNews(s) {
			return false
		}
	}
	if closing != nil {
		c.farewell(*closing)
		return false
	}
	return true
}

func (c *socket) writeNews(s *subscriber) bool {
	if !c.has(s) {
		return true // the client ended it meanwhile
	}
	t := s.take()
	if t.event != nil && c.send(s.head, t.event, tail) != nil {
		return false
	}
	if !t.ended {
		return true
	}
	c.forget(s)
	if t.fault != nil {
		return c.send(reply(s.id, "error", t.fault)) == nil
	}
	return c.send(reply(s.id, "complete", nil)) == nil
}

func (c *socket) has(s *subscriber) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.subscribers[s.id] == s
}

func (c *socket) forget(s *subscriber) {
	c.mu.Lock()
	if c.subscribers[s.id] == s {
		delete(c.subscribers, s.id)
	}
	c.mu.Unlock()
	c.server.streams.leave(s)
}

// send writes one message that is in parts.
func (c *socket) send(parts ...[]byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return err
	}
	w, err := c.conn.NextWriter(websocket.TextMessage)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return w.Close()
}

func (c *socket) farewell(why closing) {
	message := websocket.FormatCloseMessage(why.code, why.reason)
	// Who is gone already misses nothing.
	_ = c.conn.WriteControl(websocket.CloseMessage, message, time.Now().Add(time.Second))
}

var tail = []byte("}")

// reply writes a message with or without a payload, which is JSON.
func reply(id, kind string, payload []byte) []byte {
	text, err := json.Marshal(struct {
		ID      string          `json:"id,omitempty"`
		Type    string          `json:"type"`
		Payload json.RawMessage `json:"payload,omitempty"`
	}{id, kind, payload})
	if err != nil {
		panic(err) // strings, and what was encoded before
	}
	return text
}
