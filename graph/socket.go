package graph

import (
	"bufio"
	"errors"
	"net"
	"net/http"

	"github.com/gorilla/websocket"
)

// maxSocketBytes is how much a client may send over the whole life of a
// WebSocket: some thousand subscriptions. The GraphQL library bounds neither a
// message nor their number, and keeps each message in memory.
const maxSocketBytes = 1 << 20

var errSocketSpent = errors.New("the client sent too much over one WebSocket")

// boundSockets bounds what clients send over the WebSockets that next opens.
func boundSockets(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if websocket.IsWebSocketUpgrade(r) {
			w = boundWriter{w}
		}
		next.ServeHTTP(w, r)
	})
}

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
