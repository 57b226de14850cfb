package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// link is a toxiproxy between two parts.
type link struct {
	name  string
	proxy *toxiproxy.Proxy
}

func newLink(server *toxiproxy.ApiServer, name, to string) (*link, error) {
	l := &link{name, toxiproxy.NewProxy(server, name, "127.0.0.1:0", to)}
	if err := l.proxy.Start(); err != nil {
		return nil, fmt.Errorf("start the link %s: %w", name, err)
	}
	return l, nil
}

func newToxiproxy() *toxiproxy.ApiServer {
	return toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
}

func (l *link) addr() string { return l.proxy.Listen }

// cut ends all connections and takes no new ones; mend takes some again.
func (l *link) cut() { l.proxy.Stop() }

func (l *link) mend() error {
	if err := l.proxy.Start(); err != nil && !errors.Is(err, toxiproxy.ErrProxyAlreadyStarted) {
		return fmt.Errorf("mend the link %s: %w", l.name, err)
	}
	return nil
}

// poison adds a toxic; cure takes all of them away.
func (l *link) poison(t toxic) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(string(text))); err != nil {
		return fmt.Errorf("poison the link %s: %w", l.name, err)
	}
	return nil
}

func (l *link) cure(ctx context.Context) { l.proxy.Toxics.ResetToxics(ctx) }

// toxic is one as toxiproxy describes it.
type toxic struct {
	Type       string         `json:"type"`
	Stream     string         `json:"stream"` // upstream or downstream
	Toxicity   float32        `json:"toxicity"`
	Attributes map[string]int `json:"attributes"`
}

func (t toxic) String() string {
	return fmt.Sprintf("%s %s %v", t.Stream, t.Type, t.Attributes)
}

// newSpread passes each connection on to another of the addresses in turn, or to
// whichever takes it.
func newSpread(addrs ...string) *relay {
	var turn atomic.Uint32
	return &relay{pipe: join, dial: func() (conn net.Conn, err error) {
		first := turn.Add(1)
		for i := range addrs {
			if conn, err = net.Dial("tcp4", addrs[(int(first)+i)%len(addrs)]); err == nil {
				return conn, nil
			}
		}
		return nil, err
	}}
}
