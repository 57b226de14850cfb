// Package app wires the control plane together: the database, the stream, the
// loops, and two listeners, one for people and scripts and one for filters.
//
// The command and the tests open the same app, so what the tests prove is what
// runs.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/certs"
	"github.com/weirhq/weir/controlplane/cube"
	"github.com/weirhq/weir/controlplane/edge"
	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/controlplane/openid"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/rollup"
	"github.com/weirhq/weir/controlplane/seal"
	"github.com/weirhq/weir/controlplane/snapshot"
	"github.com/weirhq/weir/controlplane/stream"
	"github.com/weirhq/weir/controlplane/sweep"
	"github.com/weirhq/weir/controlplane/telemetry"
	"github.com/weirhq/weir/graph"
	"github.com/weirhq/weir/graph/subscribe"
)

// Config says where everything is.
type Config struct {
	DatabaseURL string // Postgres
	NATSURL     string // empty: an embedded JetStream in StoreDir
	StoreDir    string // the embedded JetStream's files
	HTTPAddr    string // where the dashboard and GraphQL listen
	EdgeAddr    string // where the edge listens
	PublicURL   string // what sign-in links begin with; https makes cookies secure
	// NodeToken is what filters show the edge: one, or several with white space
	// between, each of at least 32 characters.
	NodeToken   string
	HTTPTLS     certs.Files // of the dashboard and GraphQL; none: plain HTTP
	EdgeTLS     certs.Files // of the edge; none: plain HTTP
	MetricsAddr string      // where Prometheus asks; empty: nowhere
	MetricsTLS  certs.Files // of the metrics; none: plain HTTP
	TraceURL    string      // the OTLP collector, as http://host:port; empty: no traces
	// TrustedProxies are those whose X-Forwarded-For says where a sign-in comes from.
	TrustedProxies []netip.Prefix
	// MigrateNever leaves the schema to `weir migrate`, and refuses one of another build.
	MigrateNever bool
	// OpenID is the provider that members may sign in with; the zero value is none.
	OpenID openid.Config
	// PasswordOff lets members in by the provider alone.
	PasswordOff bool
	// Secrets seals those of second steps in the database; nil: they are there as they are.
	Secrets *seal.Box
	// Opaque keeps the GraphQL schema from those who ask for it.
	Opaque bool
	// Development is told to the dashboard, which shows the demo's commands then.
	Development bool
	// Known are the documents that API tokens may run; nil: any.
	Known *graph.Documents
	// RecheckEvery is how often the credentials behind an open subscription are
	// looked at again; 0 is every half minute.
	RecheckEvery time.Duration
	// HeaderWithin and BodyWithin are how long a request's header and its whole may take to
	// come; 0 is 5 and 30 seconds.
	HeaderWithin, BodyWithin time.Duration
	Log                      *slog.Logger
}

// App is a running control plane.
type App struct {
	config Config
	watch  *telemetry.Telemetry
	db     *postgres.DB
	nats   *stream.Server // nil when NATS is outside
	stream *stream.Conn
	auth   *auth.Auth
	// Members may sign in with it; nil: there is none.
	provider *openid.Provider
	live     *live.Hub
	// Of the policy, for filters.
	snapshots *snapshot.Publisher
	// Of usage; live readers hear of them.
	corrections *live.Corrections
	sweeper     *sweep.Worker
	// Of GraphQL; nil until it is served.
	subscriptions *subscribe.Server
	servers       []*http.Server
	addrs         []string // of the servers: the edge, then the dashboard and GraphQL
	failed        chan error

	running   context.Context // ends with the loops
	stopLoops context.CancelFunc
	loops     sync.WaitGroup
}

// Open starts everything, and returns when both listeners serve. When it can't,
// it leaves nothing running.
func Open(ctx context.Context, c Config) (*App, error) {
	if err := edge.CheckTokens(c.NodeToken); err != nil {
		return nil, err
	}
	c.Log = telemetry.Log(c.Log)
	a := &App{config: c, failed: make(chan error, listeners), stopLoops: func() {}}
	if err := a.open(ctx); err != nil {
		return nil, errors.Join(err, a.Close(context.WithoutCancel(ctx)))
	}
	return a, nil
}

func (a *App) open(ctx context.Context) (err error) {
	if err := a.setUpOpenID(); err != nil {
		return err
	}
	if a.watch, err = telemetry.Open(ctx, a.config.TraceURL, a.config.Log); err != nil {
		return err
	}
	if err := a.openStores(ctx); err != nil {
		return err
	}
	a.live = live.New(a.db, a.config.Log)
	a.corrections = &live.Corrections{DB: a.db, Live: a.stream, Log: a.config.Log}
	if err := a.relay(); err != nil {
		return err
	}
	a.snapshots = snapshot.New(a.db, a.config.Log)
	unmatched := &rollup.Unmatched{DB: a.db, Log: a.config.Log}
	worker := &rollup.Worker{DB: a.watch.Store(a.db), Stream: a.stream, Live: a.stream, Tracer: a.watch, Unmatched: unmatched, Log: a.config.Log}
	a.sweeper = &sweep.Worker{DB: a.db, Log: a.config.Log}
	cubes := &cube.Worker{DB: a.db, Log: a.config.Log}
	filters := &edge.Edge{Snapshots: a.snapshots, Stream: a.watch.Stream(a.stream), Sources: a.db, Leases: a.db, NodeToken: a.config.NodeToken, Log: a.config.Log}
	a.start(a.snapshots.Run, worker.Run, unmatched.Run, a.sweeper.Run, cubes.Run, a.live.Run, filters.Run,
		func(ctx context.Context) { a.stream.Keep(ctx, a.config.Log) }, a.knowProvider)
	return a.listen(ctx, filters)
}

func (a *App) setUpOpenID() (err error) {
	if !a.config.OpenID.Enabled() {
		if a.config.PasswordOff {
			return errors.New("without passwords nobody could sign in; name an OpenID provider with --oidc-issuer")
		}
		return nil
	}
	a.provider, err = openid.New(a.config.OpenID, auth.RedirectURL(a.config.PublicURL), a.config.Log)
	return err
}

// knowProvider looks the OpenID provider up, if there is one.
func (a *App) knowProvider(ctx context.Context) {
	if a.provider != nil {
		a.provider.Run(ctx)
	}
}

// openStores opens what outlives this process: the database and the stream.
func (a *App) openStores(ctx context.Context) (err error) {
	traced := a.config.TraceURL != ""
	var options []postgres.Option
	if traced {
		options = append(options, postgres.Traced(a.watch.Provider()))
	}
	if a.db, err = postgres.Open(ctx, a.config.DatabaseURL, options...); err != nil {
		return err
	}
	prepare := a.db.Migrate
	if a.config.MigrateNever {
		prepare = a.db.CheckSchema
	}
	if err := prepare(ctx); err != nil {
		return err
	}
	if a.stream, err = a.connect(); err != nil {
		return err
	}
	if traced {
		a.stream.Carry(a.watch.Inject)
	}
	return a.stream.Setup(ctx)
}

func (a *App) connect() (conn *stream.Conn, err error) {
	if a.config.NATSURL != "" {
		return stream.Connect(a.config.NATSURL)
	}
	if a.nats, err = stream.StartServer(a.config.StoreDir); err != nil {
		return nil, err
	}
	return a.nats.Connect()
}

// relay passes what any process commits on to this process's subscribers.
func (a *App) relay() error {
	_, err := a.stream.Announcements(func(payload []byte) {
		delta, err := live.Decode(payload)
		if err != nil {
			a.config.Log.Warn("ignored an announcement", "err", err)
			return
		}
		a.live.Add(delta)
	}, a.live.Missed)
	return err
}

func (a *App) start(loops ...func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	a.running, a.stopLoops = ctx, stop
	for _, loop := range loops {
		a.loop(loop)
	}
}

// loop runs one more loop beside those that start has started.
func (a *App) loop(run func(context.Context)) {
	a.loops.Go(func() { run(a.running) })
}

// Err tells of a listener that died; the app is of no use then.
func (a *App) Err() <-chan error { return a.failed }

// EdgeAddr is where the edge listens.
func (a *App) EdgeAddr() string { return a.addrs[0] }

// HTTPAddr is where the dashboard and GraphQL listen.
func (a *App) HTTPAddr() string { return a.addrs[1] }

// MetricsAddr is where the metrics are, if anywhere.
func (a *App) MetricsAddr() string { return a.addrs[2] }

// Subscribers returns how many live subscriptions are open.
func (a *App) Subscribers() int { return a.subscriptions.Open() }

// Streams returns how many different ones they are: those that say the same are
// executed once.
func (a *App) Streams() int { return a.subscriptions.Streams() }

// DB returns the app's database.
func (a *App) DB() *postgres.DB { return a.db }

// SignInLink makes a one-time link to the dashboard.
func (a *App) SignInLink(ctx context.Context) (string, error) {
	link, _, err := a.auth.NewLink(ctx, a.config.PublicURL)
	return link, err
}

// Close stops in the order in which usage flows: the listeners, the loops with
// the round they are in, the stream, the database. When ctx ends first it fails,
// and leaves what is still in use to the end of the process; nothing is lost by
// that. It may be called again then, but not once it has succeeded.
func (a *App) Close(ctx context.Context) error {
	var errs []error
	for _, s := range a.servers {
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop a listener: %w", err), s.Close())
		}
	}
	a.stopLoops()
	if err := a.waitForLoops(ctx); err != nil {
		return errors.Join(append(errs, err)...)
	}
	if a.stream != nil {
		a.stream.Close()
	}
	if a.nats != nil {
		a.nats.Stop()
	}
	if a.db != nil {
		a.db.Close()
	}
	if a.watch != nil {
		errs = append(errs, a.watch.Close(ctx))
	}
	return errors.Join(errs...)
}

func (a *App) waitForLoops(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		a.loops.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop the loops: %w", ctx.Err())
	}
}
