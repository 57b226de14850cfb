package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Config says where a control plane is and who asks.
type Config struct {
	URL   string // such as https://weir.example
	Token string // an API token
	// CAFile has the certificates that the control plane's is checked against, in PEM;
	// empty: the system's.
	CAFile string
	// PlainHTTP lets the token go to another machine without TLS.
	PlainHTTP bool
	// Timeout bounds one call, and how long an export or import may stand still.
	Timeout time.Duration
	// Wait sleeps before a call is made again; it ends early with the context.
	Wait func(context.Context, time.Duration) error
	// Now and Random, from 0 up to 1, pace what is made again; nil: of this machine.
	Now    func() time.Time
	Random func() float64
	// Field is what whoever asks calls a field of the API's in errors; nil: as the API does.
	Field func(string) string
	// Retrying is told of a call that will be made again; it may be nil.
	Retrying func(Retry)
}

// Retry is a call that failed and will be made again.
type Retry struct {
	Err  error
	Wait time.Duration // until it is made again
	Left time.Duration // in which it will be; 0: it is made only some times
	// Transfer says that it is a download, of which there are Bytes.
	Transfer bool
	Bytes    int64
}

// Client calls one control plane. It may be used by many at once.
type Client struct {
	base    *url.URL
	token   string
	timeout time.Duration
	wait    func(context.Context, time.Duration) error
	now     func() time.Time
	random  func() float64
	tell    func(Retry)
	field   func(string) string
	caFile  string
	http    *http.Client
	met     atomic.Bool // whether the control plane has answered
}

// New returns a client. It makes no call yet.
func New(c Config) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(c.URL, "/"))
	switch {
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https":
		return nil, fmt.Errorf("%q is no URL of a control plane; give one such as https://weir.example", c.URL)
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("the control plane's URL has more than a host and a path; leave out user, query and fragment")
	case c.Token == "":
		return nil, errors.New("there is no API token; set WEIR_API_TOKEN or WEIR_API_TOKEN_FILE, or store one with weir login")
	case base.Scheme == "http" && !local(base.Hostname()) && !c.PlainHTTP:
		return nil, fmt.Errorf("%s is another machine, and over http anybody on the way could read the API token; use https, or --plain-http", base.Host)
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the default HTTP transport was replaced")
	}
	transport = transport.Clone()
	if c.CAFile != "" {
		if transport.TLSClientConfig, err = trusting(c.CAFile); err != nil {
			return nil, err
		}
	}
	made := &Client{base: base, token: c.Token, timeout: c.Timeout, wait: c.Wait, now: c.Now, random: c.Random, tell: c.Retrying, field: c.Field, caFile: c.CAFile}
	if made.now == nil {
		made.now = time.Now
	}
	if made.random == nil {
		made.random = rand.Float64
	}
	if made.field == nil {
		made.field = func(name string) string { return name }
	}
	if made.tell == nil {
		made.tell = func(Retry) {}
	}
	made.http = &http.Client{
		Transport: transport,
		// A redirect could take the token elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return made, nil
}

// URL is the control plane's.
func (c *Client) URL() string { return c.base.String() }

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func trusting(caFile string) (*tls.Config, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificates to trust: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate in PEM", caFile)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// Sleep waits for a while, or until the context ends.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
