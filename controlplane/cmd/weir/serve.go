package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/controlplane/certs"
	"github.com/weirhq/weir/controlplane/seal"
	"github.com/weirhq/weir/controlplane/secretenv"
	"github.com/weirhq/weir/graph"
)

type serveCommand struct {
	HTTPAddr  string `name:"http-addr" env:"WEIR_HTTP_ADDR" default:"127.0.0.1:8080" help:"Where the dashboard and GraphQL listen."`
	EdgeAddr  string `name:"edge-addr" env:"WEIR_EDGE_ADDR" default:"127.0.0.1:8081" help:"Where Envoys report; keep it away from the public."`
	PublicURL string `name:"public-url" env:"WEIR_PUBLIC_URL" help:"What sign-in links begin with; by default http:// or https:// and the address."`
	StoreDir  string `name:"store-dir" env:"WEIR_STORE_DIR" default:".weir/jetstream" help:"Files of the embedded JetStream, which runs unless NATS_URL is set."`
	TLSCert   string `name:"tls-cert" env:"WEIR_TLS_CERT" help:"The dashboard's certificate, a PEM file; unset: plain HTTP. Files may be replaced while it serves."`
	TLSKey    string `name:"tls-key" env:"WEIR_TLS_KEY" help:"The key of that certificate, a PEM file."`

	EdgeTLSCert  string `name:"edge-tls-cert" env:"WEIR_EDGE_TLS_CERT" help:"The edge's certificate, a PEM file; unset: plain HTTP."`
	EdgeTLSKey   string `name:"edge-tls-key" env:"WEIR_EDGE_TLS_KEY" help:"The key of that certificate, a PEM file."`
	EdgeClientCA string `name:"edge-client-ca" env:"WEIR_EDGE_CLIENT_CA" help:"Who signs Envoys' certificates, a PEM file; each Envoy must show one then, beside the node token."`

	MetricsAddr     string `name:"metrics-addr" env:"WEIR_METRICS_ADDR" help:"Where Prometheus finds /metrics; unset: nowhere."`
	MetricsTLSCert  string `name:"metrics-tls-cert" env:"WEIR_METRICS_TLS_CERT" help:"The metrics' certificate, a PEM file; unset: plain HTTP."`
	MetricsTLSKey   string `name:"metrics-tls-key" env:"WEIR_METRICS_TLS_KEY" help:"The key of that certificate, a PEM file."`
	MetricsClientCA string `name:"metrics-client-ca" env:"WEIR_METRICS_CLIENT_CA" help:"Who signs the certificates of those that may ask, a PEM file; each must show one then."`

	TraceURL string `name:"trace-url" env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"An OpenTelemetry collector that takes traces over HTTP, such as http://127.0.0.1:4318; unset: no traces. Other OTEL_ variables hold too."`

	Migrate string `enum:"auto,never" default:"auto" env:"WEIR_MIGRATE" help:"auto brings the database up to date where its role may; never leaves that to weir migrate."`

	TrustedProxies []netip.Prefix `env:"WEIR_TRUSTED_PROXIES" placeholder:"CIDR" help:"Networks of proxies before the dashboard, whose X-Forwarded-For says where a sign-in comes from; unset: none."`

	Introspection bool `env:"WEIR_INTROSPECTION" default:"true" negatable:"" help:"Tell the GraphQL schema to those who are signed in. GraphiQL needs it."`

	Operations string `env:"WEIR_OPERATIONS" type:"existingfile" placeholder:"FILE" help:"A manifest of the GraphQL documents that API tokens may run; they may run no others."`

	openIDFlags

	Debug bool `env:"WEIR_DEBUG" help:"Log more."`
}

// Help adds what flags can't be.
func (serveCommand) Help() string {
	return `Secrets come from the environment, or from files that NAME_FILE names:

  DATABASE_URL     Postgres, as postgres://user:password@host/database
  NATS_URL         NATS with JetStream; unset: one in this process
  WEIR_NODE_TOKEN  what Envoys show the edge; at least 32 characters. Several, with
                   white space between, are all good: add the new one, restart
                   Envoys with it one by one, take the old one away
  WEIR_SECRET_KEY  what second steps' secrets are encrypted with in the database: 32
                   random bytes in base64. Several, with white space between, all
                   open; the first one seals. Unset: they are stored as they are
  WEIR_OIDC_CLIENT_SECRET  what Weir shows the OpenID provider
  WEIR_API_TOKEN   what scripts show as a bearer token; unset: none, or what was set before`
}

// closeWithin bounds the stop.
const closeWithin = 20 * time.Second

// Run serves until it is told to stop or a listener dies.
func (c serveCommand) Run(s signals) error {
	config, err := c.config()
	if err != nil {
		return err
	}
	apiToken, err := secretenv.Read("WEIR_API_TOKEN")
	if err != nil {
		return err
	}
	weir, err := app.Open(s.run, config)
	if err != nil {
		return err
	}
	err = c.serve(s, weir, apiToken, config)
	ctx, cancel := context.WithTimeout(s.stop, closeWithin)
	defer cancel()
	if closeErr := weir.Close(ctx); closeErr != nil && err == nil {
		err = fmt.Errorf("stop the control plane: %w", closeErr)
	}
	return err
}

func (c serveCommand) serve(s signals, weir *app.App, apiToken string, config app.Config) error {
	if apiToken != "" {
		token, err := controlplane.SecretFrom(apiToken)
		if err != nil {
			return fmt.Errorf("use WEIR_API_TOKEN: %w", err)
		}
		if err := weir.DB().SetAPIToken(s.run, "environment", token); err != nil {
			return fmt.Errorf("use WEIR_API_TOKEN: %w", err)
		}
	}
	config.Log.Info("serving", "http", c.HTTPAddr, "edge", c.EdgeAddr)
	select {
	case <-s.run.Done():
		return nil
	case err := <-weir.Err():
		return err
	}
}

func (c serveCommand) config() (app.Config, error) {
	config := app.Config{HTTPAddr: c.HTTPAddr, EdgeAddr: c.EdgeAddr, PublicURL: c.PublicURL, StoreDir: c.StoreDir}
	config.MetricsAddr, config.TraceURL = c.MetricsAddr, c.TraceURL
	config.MetricsTLS = certs.Files{Certificate: c.MetricsTLSCert, Key: c.MetricsTLSKey, ClientCA: c.MetricsClientCA}
	config.HTTPTLS = certs.Files{Certificate: c.TLSCert, Key: c.TLSKey}
	config.EdgeTLS = certs.Files{Certificate: c.EdgeTLSCert, Key: c.EdgeTLSKey, ClientCA: c.EdgeClientCA}
	if config.PublicURL == "" {
		config.PublicURL = "http://" + c.HTTPAddr
		if config.HTTPTLS.Any() {
			config.PublicURL = "https://" + c.HTTPAddr
		}
	}
	level := slog.LevelInfo
	if c.Debug {
		level = slog.LevelDebug
	}
	config.Log = slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	var err error
	config.PasswordOff, config.MigrateNever = c.PasswordOff, c.Migrate == "never"
	config.TrustedProxies, config.Opaque = c.TrustedProxies, !c.Introspection
	if config.Known, err = c.known(); err != nil {
		return config, err
	}
	if config.OpenID, err = c.openID(); err != nil {
		return config, err
	}
	if config.DatabaseURL, err = secretenv.Must("DATABASE_URL", "the URL of a Postgres database"); err != nil {
		return config, err
	}
	if config.NATSURL, err = secretenv.Read("NATS_URL"); err != nil {
		return config, err
	}
	if config.Secrets, err = secretKeys(); err != nil {
		return config, err
	}
	config.NodeToken, err = secretenv.Must("WEIR_NODE_TOKEN", "what Envoys show the edge, at least 32 random characters")
	return config, err
}

// secretKeys reads what secrets in the database are sealed with.
func secretKeys() (*seal.Box, error) {
	keys, err := secretenv.Read("WEIR_SECRET_KEY")
	if err != nil {
		return nil, err
	}
	box, err := seal.New(keys)
	if err != nil {
		return nil, fmt.Errorf("use WEIR_SECRET_KEY: %w", err)
	}
	return box, nil
}

// known reads the documents that API tokens may run; nil is any.
func (c serveCommand) known() (*graph.Documents, error) {
	if c.Operations == "" {
		return nil, nil
	}
	manifest, err := os.ReadFile(c.Operations)
	if err != nil {
		return nil, fmt.Errorf("read the manifest of operations: %w", err)
	}
	known, err := graph.ReadDocuments(manifest)
	if err != nil {
		return nil, fmt.Errorf("use %s: %w", c.Operations, err)
	}
	return known, nil
}
