package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Traffic says what to send.
type Traffic struct {
	Gateway string        // base URL; its host must be a loopback address
	For     time.Duration // at most an hour
	Rand    *rand.Rand    // what is random about it
}

// Tally counts answers: by who asked, by HTTP status. Status 0 is a request that
// got no answer.
type Tally map[string]map[int]int

// caller is one stream of requests.
type caller struct {
	name, key string
	perSecond float64       // on average, at random intervals
	burst     int           // requests at once, every so often
	every     time.Duration // between bursts
}

var callers = [...]caller{
	{"demo-basic", BasicKey, 1.2, 60, 20 * time.Second},
	{"demo-professional", ProfessionalKey, 9, 0, 0},
	{"demo-enterprise", EnterpriseKey, 25, 120, 15 * time.Second},
	{"unknown key", "demo-nobody", 0.4, 0, 0},
}

// request is what one call looks like, and how often it comes up.
type request struct {
	method, path string
	weight       int
}

var requests = [...]request{
	{"GET", "/v1/users/%d?delay=12ms", 40},
	{"GET", "/v1/orders?delay=25ms&size=4000", 22},
	{"GET", "/v1/search?q=weir&delay=60ms&size=12000", 14},
	{"POST", "/v1/orders?status=201&delay=40ms", 10},
	{"GET", "/v1/orders/%d?delay=8ms", 8},
	{"GET", "/hello", 3},
	{"GET", "/v1/users/%d?status=404", 2},
	{"GET", "/v1/search?status=503&delay=150ms", 1},
}

// maxInFlight bounds how many requests wait for an answer at once; what comes up
// beyond it is left out.
const maxInFlight = 128

// Drive sends traffic until its time is over or ctx ends, and says how it was
// answered. It refuses gateways that are not on this machine.
func Drive(ctx context.Context, t Traffic) (Tally, error) {
	base, err := t.validate()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, t.For)
	defer cancel()
	d := driver{
		base: base, rand: t.Rand, slots: make(chan struct{}, maxInFlight), tally: Tally{},
		client: &http.Client{
			Timeout:       10 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     &http.Transport{MaxIdleConnsPerHost: maxInFlight},
		},
	}
	defer d.client.CloseIdleConnections()
	var streams sync.WaitGroup
	for _, c := range callers {
		streams.Go(func() { d.call(ctx, c) })
		if c.burst > 0 {
			streams.Go(func() { d.burst(ctx, c) })
		}
	}
	streams.Wait()
	d.underWay.Wait()
	return d.tally, nil
}

func (t Traffic) validate() (*url.URL, error) {
	base, err := url.Parse(t.Gateway)
	if err != nil || base.Scheme != "http" || base.Host == "" {
		return nil, fmt.Errorf("the gateway %q is not an http:// URL", t.Gateway)
	}
	ip := net.ParseIP(base.Hostname())
	if base.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("demo traffic goes to this machine only; %s is not a loopback address such as 127.0.0.1", base.Hostname())
	}
	if t.For <= 0 || t.For > time.Hour {
		return nil, errors.New("demo traffic runs for more than 0 seconds and at most an hour")
	}
	return base, nil
}

type driver struct {
	base     *url.URL
	client   *http.Client
	slots    chan struct{}
	underWay sync.WaitGroup

	mu    sync.Mutex // of what follows
	rand  *rand.Rand
	tally Tally
}

// call sends single requests at random intervals.
func (d *driver) call(ctx context.Context, c caller) {
	for {
		d.mu.Lock()
		pause := time.Duration(d.rand.ExpFloat64() / c.perSecond * float64(time.Second))
		d.mu.Unlock()
		if !wait(ctx, pause) {
			return
		}
		d.send(c)
	}
}

// burst sends many requests at once, now and then.
func (d *driver) burst(ctx context.Context, c caller) {
	for wait(ctx, c.every) {
		for range c.burst {
			d.send(c)
		}
	}
}

func wait(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// send sends one request without waiting for its answer. It is let finish when
// the time is over: its client bounds it.
func (d *driver) send(c caller) {
	select {
	case d.slots <- struct{}{}:
	default:
		return
	}
	method, path := d.pick()
	d.underWay.Go(func() {
		status := d.do(method, path, c.key)
		<-d.slots
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.tally[c.name] == nil {
			d.tally[c.name] = map[int]int{}
		}
		d.tally[c.name][status]++
	})
}

func (d *driver) pick() (method, path string) {
	total := 0
	for _, r := range requests {
		total += r.weight
	}
	d.mu.Lock()
	n, id := d.rand.IntN(total), d.rand.IntN(5000)
	d.mu.Unlock()
	for _, r := range requests {
		if n -= r.weight; n < 0 {
			return r.method, strings.Replace(r.path, "%d", fmt.Sprint(id), 1)
		}
	}
	return "GET", "/hello"
}

func (d *driver) do(method, path, key string) (status int) {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(`{"item":"weir","quantity":3}`)
	}
	r, err := http.NewRequest(method, d.base.Scheme+"://"+d.base.Host+path, body)
	if err != nil {
		return 0
	}
	r.Header.Set("x-api-key", key)
	response, err := d.client.Do(r)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, maxSize)); err != nil {
		return 0
	}
	return response.StatusCode
}

// String writes a line for each caller.
func (t Tally) String() string {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t)) {
		total := 0
		for _, n := range t[name] {
			total += n
		}
		fmt.Fprintf(&lines, "%-18s %5d requests:", name, total)
		for _, status := range slices.Sorted(maps.Keys(t[name])) {
			label := fmt.Sprint(status)
			if status == 0 {
				label = "no answer"
			}
			fmt.Fprintf(&lines, "  %s × %d", label, t[name][status])
		}
		lines.WriteByte('\n')
	}
	return lines.String()
}

// Unanswered says whether no request got any answer.
func (t Tally) Unanswered() bool {
	for _, byStatus := range t {
		for status := range byStatus {
			if status != 0 {
				return false
			}
		}
	}
	return true
}
