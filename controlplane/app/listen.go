package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/bulk"
	"github.com/weirhq/weir/controlplane/certs"
	"github.com/weirhq/weir/controlplane/edge"
	"github.com/weirhq/weir/controlplane/schedule"
	"github.com/weirhq/weir/controlplane/web"
	"github.com/weirhq/weir/frontend"
	"github.com/weirhq/weir/graph"
)

// recheckEvery bounds for how long somebody goes on seeing what they may not any more:
// that is one look-up by key for each credential that subscribes.
const recheckEvery = time.Second

// listeners is how many there are at most.
const listeners = 3

// listen opens the listeners: of filters, of people and scripts, and, where it is
// wanted, of the metrics.
func (a *App) listen(ctx context.Context, filters *edge.Edge) error {
	a.auth = auth.New(a.db, auth.Config{
		PublicURL: a.config.PublicURL, Provider: a.provider, PasswordOff: a.config.PasswordOff,
		Proxies: a.config.TrustedProxies, Secrets: a.config.Secrets,
	}, a.config.Log)
	if err := a.auth.SealSecrets(ctx); err != nil {
		return err
	}
	resolver := &graph.Resolver{
		DB: a.db, Auth: a.auth, Live: a.live, Corrections: a.corrections,
		PublicURL: a.config.PublicURL, RecheckEvery: cmp.Or(a.config.RecheckEvery, recheckEvery), Log: a.config.Log,
		Observer: a.watch, Opaque: a.config.Opaque, Development: a.config.Development, Known: a.config.Known,
	}
	scheduled := &schedule.Worker{DB: a.db, Carry: resolver.CarryOut, Log: a.config.Log}
	a.loop(scheduled.Run)
	if err := a.serve(a.config.EdgeAddr, a.config.EdgeTLS, web.Identified(a.watch.HTTP("edge", filters.Handler()))); err != nil {
		return err
	}
	if err := a.serve(a.config.HTTPAddr, a.config.HTTPTLS, a.routes(resolver)); err != nil {
		return err
	}
	if a.config.MetricsAddr == "" {
		return nil
	}
	a.gauges()
	return a.serve(a.config.MetricsAddr, a.config.MetricsTLS, a.watch.Metrics())
}

func (a *App) routes(resolver *graph.Resolver) http.Handler {
	mux := http.NewServeMux()
	var operations http.Handler
	operations, a.subscriptions = resolver.Handler()
	mux.Handle("/graphql", a.auth.Identify(operations))
	mux.Handle("/api/v1/", a.auth.Identify(bulk.New(a.db, a.corrections, a.config.Log).Handler()))
	mux.Handle("/auth/", a.auth.Handler())
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("/", web.Dashboard(frontend.Dist()))
	// The pattern that a request fell under is known to what stands next to the mux.
	return web.Identified(a.watch.HTTP("http", web.Guard(mux)))
}

// ready answers 200 when the database and the stream do, and there is a snapshot for
// filters.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := errors.Join(a.db.Ping(ctx), a.stream.Ping(ctx), a.snapshots.Ready(ctx)); err != nil {
		a.config.Log.WarnContext(ctx, "not ready", "err", err)
		http.Error(w, "not ready", http.StatusServiceUnavailable)
	}
}

// Bounds of a connection.
const (
	headerWithin   = 5 * time.Second
	bodyWithin     = 30 * time.Second
	idleFor        = 2 * time.Minute
	maxHeaderBytes = 32 << 10
)

func (a *App) serve(addr string, files certs.Files, handler http.Handler) error {
	var config *tls.Config
	if files.Any() {
		source, err := certs.Open(files, a.config.Log)
		if err != nil {
			return fmt.Errorf("set up TLS on %s: %w", addr, err)
		}
		config = source.Config()
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	// A request's context ends when the app closes, so that long polls and
	// streams don't hold the shutdown up.
	base, stop := context.WithCancel(context.Background())
	server := &http.Server{
		Handler: handler, IdleTimeout: idleFor,
		MaxHeaderBytes: maxHeaderBytes, BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog: slog.NewLogLogger(a.config.Log.Handler(), slog.LevelDebug), TLSConfig: config,
	}
	server.ReadHeaderTimeout, server.ReadTimeout = cmp.Or(a.config.HeaderWithin, headerWithin), cmp.Or(a.config.BodyWithin, bodyWithin)
	server.RegisterOnShutdown(stop)
	a.servers, a.addrs = append(a.servers, server), append(a.addrs, listener.Addr().String())
	a.loops.Go(func() {
		serve := server.Serve
		if config != nil {
			serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
		}
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- fmt.Errorf("serve %s: %w", addr, err)
		}
	})
	return nil
}
