package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"
)

// socket is a WebSocket that has been greeted.
type socket struct{ *websocket.Conn }

func dial(ctx context.Context, url, token string) (*socket, error) {
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, ReadBufferSize: 8 << 10, WriteBufferSize: 1 << 10}
	conn, _, err := dialer.DialContext(ctx, url, http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		return nil, err
	}
	s := &socket{conn}
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"connection_init"}`)); err != nil {
		return nil, err
	}
	var greeting struct{ Type string }
	for greeting.Type != "connection_ack" {
		if err := conn.ReadJSON(&greeting); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *socket) subscribe(id, query string) error {
	text, err := json.Marshal(map[string]any{"id": id, "type": "subscribe", "payload": map[string]string{"query": query}})
	if err != nil {
		return err
	}
	return s.WriteMessage(websocket.TextMessage, text)
}

// dialAll opens n sockets, a few at a time.
func dialAll(ctx context.Context, n int, url, token string) ([]*socket, error) {
	sockets := make([]*socket, n)
	var group errgroup.Group
	group.SetLimit(20)
	for i := range sockets {
		group.Go(func() (err error) {
			sockets[i], err = dial(ctx, url, token)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		closeAll(sockets)
		return nil, fmt.Errorf("connect subscribers: %w", err)
	}
	return sockets, nil
}

func closeAll(sockets []*socket) {
	for _, s := range sockets {
		if s != nil {
			s.Close()
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
