package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/controlplane/certs"
	"github.com/weirhq/weir/controlplane/embedded/pgtest"
)

var databases = pgtest.Databases{Migrate: pgtest.Migrate, Roles: true}

func TestMain(m *testing.M) { os.Exit(databases.Run(m)) }

const nodeToken = "a-node-token-of-enough-characters-for-tests"

// plane is a running control plane and a caller of it.
type plane struct {
	*app.App
	t     *testing.T
	token string // an API token; empty sends none
}

func open(t *testing.T) *plane {
	t.Helper()
	return openOn(t, databases.New(t))
}

// openOn opens one more control plane on a database, as a role that owns nothing. Its
// API token takes the place of those before.
func openOn(t *testing.T, url string, changes ...func(*app.Config)) *plane {
	t.Helper()
	config := app.Config{
		DatabaseURL: databases.AsApp(t, url), MigrateNever: true, StoreDir: t.TempDir(),
		HTTPAddr: "127.0.0.1:0", EdgeAddr: "127.0.0.1:0", PublicURL: "http://weir.example",
		NodeToken: nodeToken, RecheckEvery: 50 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
	}
	for _, change := range changes {
		change(&config)
	}
	a, err := app.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	secret := controlplane.NewSecret("")
	if err := a.DB().SetAPIToken(t.Context(), "tests", secret); err != nil {
		t.Fatal(err)
	}
	return &plane{a, t, secret.Reveal()}
}

type answer struct {
	Status int
	Header http.Header
	Body   string
}

// send sends a request with the given headers, in pairs.
func (p *plane) send(method, url, body string, headers ...string) answer {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(got)}
}

func (p *plane) http(path string) string { return "http://" + p.HTTPAddr() + path }
func (p *plane) edge(path string) string { return "http://" + p.EdgeAddr() + path }

type gqlError struct {
	Message    string
	Path       []any
	Extensions struct{ Code, Field string }
}

// query runs an operation with the API token and more headers, in pairs, into data,
// and returns its errors.
func (p *plane) query(operation string, data any, headers ...string) []gqlError {
	p.t.Helper()
	body, err := json.Marshal(map[string]string{"query": operation})
	if err != nil {
		p.t.Fatal(err)
	}
	got := p.send("POST", p.http("/graphql"), string(body), append(headers, "Content-Type", "application/json", "Authorization", "Bearer "+p.token)...)
	var reply struct {
		Data   json.RawMessage
		Errors []gqlError
	}
	if err := json.NewDecoder(bytes.NewBufferString(got.Body)).Decode(&reply); err != nil {
		p.t.Fatalf("%d %s: %v", got.Status, got.Body, err)
	}
	if data != nil && reply.Errors == nil {
		if err := json.Unmarshal(reply.Data, data); err != nil {
			p.t.Fatal(err)
		}
	}
	return reply.Errors
}

// must runs an operation that has to work.
func (p *plane) must(operation string, data any) {
	p.t.Helper()
	if errs := p.query(operation, data); errs != nil {
		p.t.Fatalf("%s: %+v", operation, errs)
	}
}

func TestOpenExplains(t *testing.T) {
	config := app.Config{
		DatabaseURL: databases.New(t), StoreDir: t.TempDir(), HTTPAddr: "127.0.0.1:0", EdgeAddr: "127.0.0.1:0",
		NodeToken: nodeToken, Log: slog.New(slog.DiscardHandler),
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, tc := range map[string]struct {
		spoil func(*app.Config)
		want  string
	}{
		"a short node token":       {func(c *app.Config) { c.NodeToken = "short" }, "node token"},
		"a short one of several":   {func(c *app.Config) { c.NodeToken = nodeToken + "\nshort" }, "node token 2 of 2"},
		"no certificate to a key":  {func(c *app.Config) { c.EdgeTLS = certs.Files{Key: "key.pem"} }, "a certificate and its key"},
		"a bad database URL":       {func(c *app.Config) { c.DatabaseURL = "postgres://u:hunter2@[" }, "not a valid postgres:// URL"},
		"a taken port":             {func(c *app.Config) { c.HTTPAddr = taken.Addr().String() }, "listen on"},
		"a NATS that is not there": {func(c *app.Config) { c.NATSURL = "nats://127.0.0.1:1" }, "connect to NATS"},
		"a bad NATS URL":           {func(c *app.Config) { c.NATSURL = "nats://u:hunter2@[" }, "not a valid nats:// URL"},
		"a NATS password with %":   {func(c *app.Config) { c.NATSURL = "nats://127.0.0.1:1,nats://u:hunter2%@127.0.0.1:1" }, "percent-encode"},
	} {
		t.Run(name, func(t *testing.T) {
			c := config
			tc.spoil(&c)
			_, err := app.Open(t.Context(), c)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want an error that says %q", err, tc.want)
			}
		})
	}
}
