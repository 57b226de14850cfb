package client_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane/certs/certstest"
	"github.com/weirhq/weir/controlplane/client"
)

// answer is one answer of a server; status 0 cuts the connection.
type answer struct {
	status int
	header map[string]string
	body   string
}

const (
	viewer = `{"data":{"viewer":{"kind":"TOKEN","name":"ci","permissions":[]}}}`
	reset  = `{"data":{"resetAccount":{"account":{"id":"acc_1","name":"Birch"},"snapshot":7}}}`
	busy   = `{"errors":[{"message":"still in progress","extensions":{"code":"CONFLICT","field":"Idempotency-Key"}}]}`
)

// script is a server that gives answers one after the other, the last one again and
// again, and keeps what it was asked.
type script struct {
	answers []answer
	timeout time.Duration // of a call; 0: a minute

	mu     sync.Mutex
	keys   []string // Idempotency-Key of each request
	bodies []string

	waits []time.Duration // before each call that was made again, of a clock that costs no time
	told  []client.Retry
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.answers[min(len(s.bodies), len(s.answers)-1)]
	s.keys, s.bodies = append(s.keys, r.Header.Get("Idempotency-Key")), append(s.bodies, string(body))
	if a.status == 0 {
		panic(http.ErrAbortHandler)
	}
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.body)
}

// asked returns what it was asked: the keys of the requests, and their bodies.
func (s *script) asked() (keys, bodies []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys), slices.Clone(s.bodies)
}

func (s *script) client(t *testing.T, url, ca string) *client.Client {
	t.Helper()
	now := time.Now()
	c, err := client.New(client.Config{
		URL: url, Token: "wt_a_token", CAFile: ca, Timeout: cmp.Or(s.timeout, time.Minute),
		Wait: func(ctx context.Context, d time.Duration) error {
			s.waits, now = append(s.waits, d), now.Add(d)
			return ctx.Err()
		},
		Now: func() time.Time { return now }, Random: func() float64 { return 1 },
		Retrying: func(r client.Retry) { s.told = append(s.told, r) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *script) serve(t *testing.T) *client.Client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s.client(t, server.URL, "")
}

func TestCallsAreMadeAgain(t *testing.T) {
	const ms = time.Millisecond
	later := func(status int, after string) answer {
		return answer{status, map[string]string{"Retry-After": after, "Date": "Sun, 01 Nov 2026 12:00:00 GMT"}, ""}
	}
	good := answer{200, nil, reset}
	for name, c := range map[string]struct {
		answers []answer
		waits   []time.Duration
		fails   string
	}{
		"not when they worked":                         {[]answer{good}, nil, ""},
		"when the connection was cut":                  {[]answer{{}, {}, good}, []time.Duration{200 * ms, 400 * ms}, ""},
		"when something between was in the way":        {[]answer{later(502, ""), later(503, "soon"), later(504, "-1"), good}, []time.Duration{200 * ms, 400 * ms, 800 * ms}, ""},
		"as late as they are told to":                  {[]answer{later(429, "9"), later(503, "Sun, 01 Nov 2026 12:00:20 GMT"), good}, []time.Duration{9 * time.Second, 20 * time.Second}, ""},
		"no earlier than by themselves":                {[]answer{later(503, "0"), later(503, "Sun, 01 Nov 2026 11:00:00 GMT"), good}, []time.Duration{200 * ms, 400 * ms}, ""},
		"not when they are told to come much later":    {[]answer{later(429, "3600"), good}, nil, "the control plane asks to come back in 1h0m0s"},
		"while the first attempt is being carried out": {[]answer{{}, {409, nil, busy}, good}, []time.Duration{200 * ms, 400 * ms}, ""},
		"as long as their key is taken": {
			append(slices.Repeat([]answer{{409, nil, busy}}, 10), good),
			append([]time.Duration{200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms}, slices.Repeat([]time.Duration{5 * time.Second}, 5)...), "",
		},
		"for a minute once there was an answer": {
			[]answer{{409, nil, busy}, later(503, "")},
			append([]time.Duration{200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms}, append(slices.Repeat([]time.Duration{5 * time.Second}, 10), 3800*ms)...),
			"it was tried again for 1m0s and came no further",
		},
		"four times in all":                             {[]answer{{}}, []time.Duration{200 * ms, 400 * ms, 800 * ms}, "reach the control plane at http://127.0.0.1:"},
		"not when they were refused":                    {[]answer{{200, nil, `{"errors":[{"message":"no","extensions":{"code":"CONFLICT","field":"name"}}]}`}, good}, nil, "name: no"},
		"not when the token is unknown":                 {[]answer{{401, nil, ""}, good}, nil, "does not know the API token"},
		"not when there was a fault nobody can foresee": {[]answer{{500, nil, ""}, good}, nil, "500 Internal Server Error"},
		"not elsewhere":                                 {[]answer{{307, map[string]string{"Location": "http://127.0.0.1:1/graphql"}, ""}, good}, nil, "307 Temporary Redirect"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{answers: c.answers}
			_, err := client.ResetAccount(t.Context(), s.serve(t), "acc_1")
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("got %v, want %q", err, c.fails)
			}
			if diff := gocmp.Diff(c.waits, s.waits); diff != "" {
				t.Error(diff)
			}
			keys, bodies := s.asked()
			if len(bodies) != len(c.waits)+1 || len(slices.Compact(bodies)) != 1 {
				t.Errorf("asked %q", bodies)
			}
			if one := slices.Compact(keys); len(one) != 1 || len(one[0]) < 20 {
				t.Errorf("asked under the keys %q", keys)
			}
			if len(s.told) != len(c.waits) {
				t.Errorf("told %+v", s.told)
			}
		})
	}
	t.Run("under a key of their own when they change something", func(t *testing.T) {
		s := &script{answers: []answer{good, good, {200, nil, viewer}}}
		c := s.serve(t)
		for range 2 {
			if _, err := client.ResetAccount(t.Context(), c, "acc_1"); err != nil {
				t.Fatal(err)
			}
		}
		_, err := client.ReadViewer(t.Context(), c)
		if keys, _ := s.asked(); err != nil || len(keys) != 3 || keys[0] == keys[1] || keys[2] != "" {
			t.Errorf("%q, %v", keys, err)
		}
	})
	t.Run("over a restart in the middle of many", func(t *testing.T) {
		s := &script{answers: append(append([]answer{good}, slices.Repeat([]answer{{}}, 12)...), good)}
		c := s.serve(t)
		for range 2 {
			if _, err := client.ResetAccount(t.Context(), c, "acc_1"); err != nil {
				t.Fatal(err)
			}
		}
		keys, _ := s.asked()
		if len(keys) != 14 || len(slices.Compact(keys)) != 2 || s.told[0].Left != time.Minute || s.told[0].Transfer {
			t.Errorf("asked under the keys %q, told %+v", keys, s.told)
		}
	})
	t.Run("until nobody waits any more", func(t *testing.T) {
		s := &script{answers: []answer{{}}}
		ctx, cancel := context.WithCancel(t.Context())
		c, err := client.New(client.Config{URL: s.serve(t).URL(), Token: "wt_a_token", Timeout: time.Minute, Wait: func(ctx context.Context, _ time.Duration) error {
			cancel()
			return ctx.Err()
		}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.ReadViewer(ctx, c)
		if _, bodies := s.asked(); !errors.Is(err, context.Canceled) || len(bodies) != 1 {
			t.Errorf("%v after %d calls", err, len(bodies))
		}
	})
}

func TestWhomACertificateMakesTrusted(t *testing.T) {
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	s := &script{answers: []answer{{200, nil, viewer}}}
	dir := t.TempDir()
	own, other := certstest.New(t, dir, "own"), certstest.New(t, dir, "other")
	pair, err := tls.LoadX509KeyPair(own.Issue("server"))
	if err != nil {
		t.Fatal(err)
	}
	serve := func(certificates ...tls.Certificate) *httptest.Server {
		server := httptest.NewUnstartedServer(s)
		server.TLS = &tls.Config{Certificates: certificates}
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
		server.StartTLS()
		t.Cleanup(server.Close)
		return server
	}
	url := serve(pair).URL
	ask := func(url, ca string) error {
		_, err := client.ReadViewer(t.Context(), s.client(t, url, ca))
		return err
	}
	if err := ask(url, own.File); err != nil {
		t.Error(err)
	}
	foreign := serve() // with a certificate for example.com and 127.0.0.1
	foreignCA := file("foreign.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: foreign.Certificate().Raw})))
	for name, c := range map[string]struct{ url, ca, says string }{
		"by the system":            {url, "", "is signed by nobody whom this system trusts: give the certificate of who signed it with --ca or WEIR_CA"},
		"by another's":             {url, other.File, "is signed by none of those in " + other.File + ": give the certificate"},
		"of another name":          {strings.Replace(foreign.URL, "127.0.0.1", "localhost", 1), foreignCA, "not localhost"},
		"who speaks no TLS at all": {"https://" + strings.TrimPrefix(s.serve(t).URL(), "http://"), own.File, "server gave HTTP response to HTTPS client"},
	} {
		t.Run("nobody "+name, func(t *testing.T) {
			s.waits = nil
			if err := ask(c.url, c.ca); err == nil || !strings.Contains(err.Error(), c.says) || len(s.waits) > 0 {
				t.Errorf("%v after waiting %v", err, s.waits)
			}
		})
	}
	for text, says := range map[string]string{"": "has no certificate in PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n": "has no certificate in PEM"} {
		if _, err := client.New(client.Config{URL: url, Token: "wt_a_token", CAFile: file("bad.pem", text)}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
