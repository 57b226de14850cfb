package graph

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

// maxSocketBytes is how much a client may send over the whole life of a
// WebSocket: some thousand subscriptions. The GraphQL library bounds neither a
// message nor their number, and keeps each message in memory.
const maxSocketBytes = 1 << 20

// socketWriteWithin is how long a client may leave one message unread that no
// longer fits into the buffers on the way.
const socketWriteWithin = 10 * time.Second

var errSocketSpent = errors.New("the client sent too much over one WebSocket")

// boundSockets bounds what clients send over the WebSockets that next opens.
func boundSockets(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if websocket.IsWebSocketUpgrade(r) {
			w = boundWriter{w}
			r = r.WithContext(context.WithValue(r.Context(), socketKey{}, true))
		}
		next.ServeHTTP(w, r)
	})
}

type socketKey struct{}

// overSocket reports whether an operation came over a WebSocket.
func overSocket(ctx context.Context) bool { return ctx.Value(socketKey{}) != nil }

// boundWriter hands over its connection with a bound on it.
type boundWriter struct{ http.ResponseWriter }

// Hijack implements http.Hijacker.
func (w boundWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &boundConn{Conn: conn, left: maxSocketBytes}, buffered, nil
}

// boundConn reads no more than left bytes. Only one goroutine reads.
type boundConn struct {
	net.Conn
	left int
}

func (c *boundConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errSocketSpent
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// Write gives up on a client that doesn't read, so that it holds nobody.
func (c *boundConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(socketWriteWithin)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
