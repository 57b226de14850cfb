package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/controlplane/demo"
	"github.com/weirhq/weir/controlplane/embedded/envoy"
	"github.com/weirhq/weir/controlplane/embedded/postgres"
	"github.com/weirhq/weir/controlplane/openid"
	store "github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/seal"
	"github.com/weirhq/weir/deploy"
)

// Config says where everything is. Addresses are host:port.
type Config struct {
	DataDir     string
	PostgresBin string // Postgres's programs; not needed with DatabaseURL
	Envoy       string // Envoy's binary
	Filter      string // the compiled filter

	DatabaseURL string // a Postgres of your own; empty: one in DataDir
	NATSURL     string // a JetStream of your own; empty: one in DataDir
	Upstream    string // what the gateway protects; empty: the demo's

	// OpenID is the provider that members may sign in with; the zero value is none.
	OpenID      openid.Config
	PasswordOff bool
	Secrets     *seal.Box // nil: secrets are in the database as they are

	Gateway  string
	HTTP     string // dashboard and GraphQL
	Edge     string
	Admin    string                                // of Envoy
	Workers  int                                   // Envoy's worker threads; 0: one a core
	Node     string                                // Envoy's name; empty: gateway-1
	Progress func(what string, took time.Duration) // called after each step; may be nil
}

// Stack is a running Weir.
type Stack struct {
	config    Config
	dir       *directory
	nodeToken string
	apiToken  string
	database  *postgres.Server // nil when it is somebody else's
	app       *app.App
	upstream  *http.Server // nil when it is somebody else's
	envoy     *envoy.Envoy
	failed    chan error
	stopped   chan struct{}
	stops     []stop
}

// stop undoes one step of the start.
type stop struct {
	part string
	do   func(context.Context) error
}

// Start starts everything and returns when a request is answered through the
// gateway. When it can't, it says so in one sentence and leaves nothing running.
func Start(ctx context.Context, c Config) (*Stack, error) {
	s := &Stack{config: c, failed: make(chan error, 4), stopped: make(chan struct{})}
	if s.config.Progress == nil {
		s.config.Progress = func(string, time.Duration) {}
	}
	if s.config.Node == "" {
		s.config.Node = "gateway-1"
	}
	if err := s.start(ctx); err != nil {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		return nil, errors.Join(err, s.Stop(stopping))
	}
	return s, nil
}

// stopWithin bounds the stop after a start that came to nothing.
const stopWithin = 20 * time.Second

func (s *Stack) start(ctx context.Context) error {
	if err := s.check(); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"starting Postgres", s.startDatabase},
		{"starting the control plane", s.startApp},
		{"making the demo's accounts", func(ctx context.Context) error { return demo.Seed(ctx, s.app.DB()) }},
		{"starting the demo's upstream", s.startUpstream},
		{"starting Envoy", s.startEnvoy},
		{"waiting for the first answer", s.awaitAnswer},
	} {
		began := time.Now()
		if err := step.do(ctx); err != nil {
			return err
		}
		s.config.Progress(step.what, time.Since(began))
	}
	return nil
}

// check finds what is missing or in the way before anything starts.
func (s *Stack) check() (err error) {
	for _, file := range []struct{ path, what, advice string }{
		{s.config.Envoy, "Envoy", "run make tools, or set ENVOY to the path of one"},
		{s.config.Filter, "compiled filter", "run make build"},
	} {
		if _, err := os.Stat(file.path); err != nil {
			return fmt.Errorf("there is no %s at %s; %s", file.what, file.path, file.advice)
		}
	}
	if s.dir, err = openDirectory(s.config.DataDir); err != nil {
		return err
	}
	s.onStop("the data directory", func(context.Context) error { s.dir.close(); return nil })
	if err := checkPlaces([]place{
		{s.config.Gateway, "the gateway", "WEIR_GATEWAY_ADDR"},
		{s.config.HTTP, "the dashboard", "WEIR_HTTP_ADDR"},
		{s.config.Edge, "the edge", "WEIR_EDGE_ADDR"},
		{s.config.Admin, "Envoy's admin", "WEIR_ENVOY_ADMIN_ADDR"},
	}); err != nil {
		return err
	}
	if s.nodeToken, err = keepSecret(s.dir.at("node-token"), newNodeToken); err != nil {
		return err
	}
	s.apiToken, err = keepSecret(s.APITokenFile(), newAPIToken)
	return err
}

func (s *Stack) startDatabase(ctx context.Context) error {
	if s.config.DatabaseURL != "" {
		return nil
	}
	log, err := s.log("postgres")
	if err != nil {
		return err
	}
	s.database, err = postgres.Start(ctx, postgres.Config{
		BinDir: s.config.PostgresBin, DataDir: s.dir.at("postgres"), Output: log,
	})
	if err != nil {
		return err
	}
	s.onStop("Postgres", s.database.Stop)
	s.config.DatabaseURL = s.database.URL()
	go s.watch("Postgres", s.database.Done(), s.database.Ending)

	file := s.dir.at("database-url")
	s.onStop("the database's URL", func(context.Context) error { return os.Remove(file) })
	return writePrivate(file, s.config.DatabaseURL+"\n")
}

func (s *Stack) startApp(ctx context.Context) error {
	log, err := s.log("controlplane")
	if err != nil {
		return err
	}
	s.app, err = app.Open(ctx, app.Config{
		DatabaseURL: s.config.DatabaseURL,
		NATSURL:     s.config.NATSURL,
		StoreDir:    s.dir.at("jetstream"),
		HTTPAddr:    s.config.HTTP,
		EdgeAddr:    s.config.Edge,
		PublicURL:   "http://" + s.config.HTTP,
		NodeToken:   s.nodeToken,
		OpenID:      s.config.OpenID,
		PasswordOff: s.config.PasswordOff,
		Secrets:     s.config.Secrets,
		Development: true,
		Log:         slog.New(slog.NewTextHandler(log, nil)),
	})
	if errors.Is(err, store.ErrOtherSchema) && s.database != nil {
		return fmt.Errorf("%w; to start afresh, delete %s", err, s.config.DataDir)
	}
	if err != nil {
		return err
	}
	s.onStop("the control plane", s.app.Close)
	go func() {
		select {
		case err := <-s.app.Err():
			s.fail(fmt.Errorf("the control plane ended: %w", err))
		case <-s.stopped:
		}
	}()
	token, err := controlplane.SecretFrom(s.apiToken)
	if err != nil {
		return fmt.Errorf("use the API token: %w", err)
	}
	return s.app.DB().SetAPIToken(ctx, "weir dev", token)
}

func (s *Stack) startUpstream(context.Context) error {
	if s.config.Upstream != "" {
		return nil
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the demo's upstream: %w", err)
	}
	s.config.Upstream = listener.Addr().String()
	s.upstream = &http.Server{Handler: demo.Upstream(), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 128 << 10}
	s.onStop("the demo's upstream", s.upstream.Shutdown)
	go func() {
		if err := s.upstream.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.fail(fmt.Errorf("the demo's upstream ended: %w", err))
		}
	}()
	return nil
}

func (s *Stack) startEnvoy(ctx context.Context) error {
	config, err := deploy.Envoy{
		Gateway: s.config.Gateway, Admin: s.config.Admin, Upstream: s.config.Upstream, Edge: s.config.Edge,
		Filter: s.config.Filter, Node: s.config.Node,
	}.Render()
	if err != nil {
		return err
	}
	if err := writePrivate(s.dir.at("envoy.yaml"), string(config)); err != nil {
		return err
	}
	log, err := s.log("envoy")
	if err != nil {
		return err
	}
	s.envoy, err = envoy.Start(ctx, envoy.Config{
		Binary: s.config.Envoy, ConfigFile: s.dir.at("envoy.yaml"), Admin: s.config.Admin,
		Concurrency: s.config.Workers, NodeToken: s.nodeToken, Output: log,
	})
	if err != nil {
		return err
	}
	s.onStop("Envoy", s.envoy.Stop)
	go s.watch("Envoy", s.envoy.Done(), s.envoy.Ending)
	return nil
}

func (s *Stack) log(part string) (*os.File, error) {
	file, err := s.dir.log(part)
	if err == nil {
		s.onStop("the log of "+part, func(context.Context) error { return file.Close() })
	}
	return file, err
}

func (s *Stack) onStop(part string, do func(context.Context) error) {
	s.stops = append(s.stops, stop{part, do})
}

// watch reports a child that ends.
func (s *Stack) watch(part string, done <-chan struct{}, ending func() string) {
	<-done
	s.fail(fmt.Errorf("%s ended unexpectedly (%s); see %s", part, ending(), s.dir.at("logs")))
}

// fail tells of the first few failures; those that follow from them don't matter.
func (s *Stack) fail(err error) {
	select {
	case s.failed <- err:
	default:
	}
}

// Stop stops everything in order. An ended ctx makes it end the children hard.
// Nothing runs any more when it returns, whatever the error. It may be called once.
func (s *Stack) Stop(ctx context.Context) error {
	var errs []error
	for i := len(s.stops) - 1; i >= 0; i-- {
		if err := s.stops[i].do(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.stops[i].part, err))
		}
	}
	close(s.stopped)
	return errors.Join(errs...)
}

// Failed tells of a part that ended without being asked to; Stop the rest then.
func (s *Stack) Failed() <-chan error { return s.failed }

// SignInLink makes a new one-time link to the dashboard.
func (s *Stack) SignInLink(ctx context.Context) (string, error) { return s.app.SignInLink(ctx) }

// APIToken is what scripts send as a bearer token.
func (s *Stack) APIToken() string { return s.apiToken }

// APITokenFile is the file that holds the API token.
func (s *Stack) APITokenFile() string { return s.dir.at("api-token") }

// Logs is the directory of the parts' logs.
func (s *Stack) Logs() string { return s.dir.at("logs") }
