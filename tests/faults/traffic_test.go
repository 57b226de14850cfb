package faults

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// traffic is what the clients of a schedule send.
type traffic struct {
	clients  int
	requests int // of each client
	lasts    time.Duration
}

// request is one that a client sends.
type request struct {
	caller   caller
	method   string
	path     string
	endpoint int64
	status   int // that the upstream is asked for
	tokens   int64
}

// draw draws a request.
func (p *policy) draw(r *rand.Rand) request {
	q := request{caller: p.callers[r.IntN(len(p.callers))], method: http.MethodGet, status: http.StatusOK, tokens: -1}
	switch r.IntN(6) {
	case 0:
		q.path, q.endpoint = fmt.Sprintf("/v1/users/%d?size=%d", r.IntN(1000), r.IntN(3000)), p.endpoints["GET /v1/users/{id}"]
	case 1:
		q.method, q.path, q.endpoint = http.MethodPost, "/v1/orders", p.endpoints["POST /v1/orders"]
	case 2:
		q.status = 500 + r.IntN(5)
		q.path, q.endpoint = fmt.Sprintf("/v1/search?status=%d", q.status), p.endpoints["GET /v1/search"]
	case 3:
		q.tokens = r.Int64N(5000)
		q.path, q.endpoint = fmt.Sprintf("/v1/orders/%d?tokens=%d", r.IntN(1000), q.tokens), p.endpoints["GET /v1/orders/{id}"]
	case 4:
		q.path, q.endpoint = "/v1/orders?size=100", p.endpoints["GET /v1/orders"]
	default:
		q.path = "/nowhere"
	}
	return q
}

// client sends requests over one connection, one after the other, and none twice.
type client struct {
	gateway string
	conn    net.Conn
	from    *bufio.Reader
}

// How sending may fail.
var (
	errUnsent     = errors.New("the gateway takes no connection")
	errUnanswered = errors.New("the gateway did not answer")
)

// patience is far beyond what any answer should take.
const patience = 30 * time.Second

// send returns the status of the answer, and whether it is a problem of the filter's.
func (c *client) send(ctx context.Context, q request) (status int, ours bool, err error) {
	if c.conn == nil {
		dialer := net.Dialer{Timeout: patience}
		conn, err := dialer.DialContext(ctx, "tcp4", c.gateway)
		if err != nil {
			return 0, false, fmt.Errorf("%w: %w", errUnsent, err)
		}
		c.conn, c.from = conn, bufio.NewReader(conn)
	}
	status, ours, err = c.exchange(q)
	if err != nil {
		c.close()
		return 0, false, fmt.Errorf("%w: %w", errUnanswered, err)
	}
	return status, ours, nil
}

func (c *client) exchange(q request) (status int, ours bool, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, false, err
	}
	r, err := http.NewRequest(q.method, "http://"+c.gateway+q.path, http.NoBody)
	if err != nil {
		return 0, false, err
	}
	r.Header.Set("x-api-key", q.caller.secret)
	if err := r.Write(c.conn); err != nil {
		return 0, false, err
	}
	resp, err := http.ReadResponse(c.from, r)
	if err != nil {
		return 0, false, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, strings.Contains(resp.Header.Get("content-type"), "problem"), err
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// outcome is what came of a schedule's requests.
type outcome struct {
	answers    []answer
	unanswered int      // of which nobody knows whether they were counted
	wrong      []string // answers that should have been others
}

// answer is one that a client got. The filter counted it between two moments.
type answer struct {
	dims
	earliest, latest time.Time
	tokens           int64 // that the upstream declared; negative: none
}

// dims are what usage is told apart by here.
type dims struct {
	account, key, endpoint int64
	status, decision       int16
}

// The decisions, as the database numbers them.
const (
	allowed         = 1
	throttled       = 2
	unauthenticated = 3
	unready         = 5
)

// drive sends the traffic and returns what came of it. Only where Envoy is killed
// may a request stay without its answer.
func (w *world) drive(ctx context.Context, seed uint64, t traffic, mayFail bool) outcome {
	outcomes := make([]outcome, t.clients)
	var all sync.WaitGroup
	for i := range outcomes {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			outcomes[i] = w.driveOne(ctx, r, t, mayFail)
		})
	}
	all.Wait()
	var sum outcome
	for _, o := range outcomes {
		sum.answers = append(sum.answers, o.answers...)
		sum.unanswered += o.unanswered
		sum.wrong = append(sum.wrong, o.wrong...)
	}
	return sum
}

func (w *world) driveOne(ctx context.Context, r *rand.Rand, t traffic, mayFail bool) (o outcome) {
	c := &client{gateway: w.gateway}
	defer c.close()
	began := time.Now()
	for i := range t.requests {
		wait(ctx, time.Until(began.Add(t.lasts*time.Duration(i)/time.Duration(t.requests))))
		q := w.policy.draw(r)
		sent := time.Now()
		status, ours, err := c.send(ctx, q)
		switch {
		case err == nil:
			o.settle(q, sent, status, ours, mayFail)
		case ctx.Err() != nil:
			return o
		case !mayFail:
			o.wrong = append(o.wrong, fmt.Sprintf("%s %s: %v", q.method, q.path, err))
			return o
		case errors.Is(err, errUnanswered):
			o.unanswered++
		default:
			wait(ctx, again) // there is no Envoy just now
		}
	}
	return o
}

// settle notes an answer. The one before on this connection has been counted for
// sure by now: HTTP/1.1 answers one after the other. Only an Envoy that has just
// started may have no policy yet.
func (o *outcome) settle(q request, sent time.Time, status int, ours, mayFail bool) {
	now := time.Now()
	if n := len(o.answers); n > 0 && o.answers[n-1].latest.IsZero() {
		o.answers[n-1].latest = now
	}
	a := answer{dims{q.caller.account, q.caller.key, q.endpoint, int16(status), allowed}, sent, time.Time{}, q.tokens}
	want := q.status
	switch {
	case status == http.StatusServiceUnavailable && ours:
		a.dims = dims{status: int16(status), decision: unready}
		if mayFail {
			want = status
		}
	case status == http.StatusTooManyRequests && ours:
		a.decision, want = throttled, status
	case q.caller.account == 0:
		// Refused before anybody looked what it was for.
		a.decision, a.endpoint, want = unauthenticated, 0, http.StatusUnauthorized
	}
	if a.decision != allowed {
		a.tokens = -1
	}
	if status != want || a.decision == unready && !mayFail {
		o.wrong = append(o.wrong, fmt.Sprintf("%s %s for account %d: %d, want %d", q.method, q.path, q.caller.account, status, want))
	}
	o.answers = append(o.answers, a)
}

// wait waits, unless ctx ends first.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
