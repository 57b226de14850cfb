package openid

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// ErrAway is a provider that does not answer, or answers with what can't be used.
var ErrAway = errors.New("the OpenID provider can't be used now")

// Bounds of what is asked of the provider.
const (
	answerWithin   = 10 * time.Second
	maxAnswerBytes = 1 << 20
	againAfter     = time.Second // at the soonest, after a look-up that came to nothing
	lookEvery      = 6 * time.Hour
	lookAtMost     = time.Minute // between look-ups, until one succeeds
)

// Provider is the OpenID Connect provider that the operator configured. It is safe
// for concurrent use.
type Provider struct {
	Config
	redirect string
	client   *http.Client
	now      func() time.Time
	log      *slog.Logger

	looking chan struct{} // held by the one who looks the provider up
	mu      sync.Mutex
	found   *metadata // nil until it has answered once
	tried   time.Time
	err     error // of the last look-up
}

// metadata is what the provider says of itself.
type metadata struct {
	provider    *oidc.Provider
	oauth       oauth2.Config
	verifier    *oidc.IDTokenVerifier
	issuer      string // as it spells itself
	endSession  string // empty: it has none
	namesItself bool   // in each answer, by RFC 9207
}

// New returns a provider that sends browsers back to redirect. Nothing is asked of
// it yet.
func New(c Config, redirect string, log *slog.Logger) (*Provider, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Provider{
		Config: c, redirect: redirect, now: time.Now, log: log, looking: make(chan struct{}, 1),
		client: &http.Client{Timeout: answerWithin, Transport: bounded{http.DefaultTransport}, CheckRedirect: sameHost},
	}, nil
}

// sameHost keeps a redirect from leading to another part of the operator's network.
func sameHost(r *http.Request, via []*http.Request) error {
	if r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

// bounded cuts answers off that are longer than any good one.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswerBytes), resp.Body}
	return resp, nil
}

// Run looks the provider up until it answers, and from time to time after that,
// until ctx ends.
func (p *Provider) Run(ctx context.Context) {
	wait := againAfter
	for {
		_, err := p.look(ctx)
		if ctx.Err() != nil {
			return
		}
		if wait = min(2*wait, lookAtMost); err == nil {
			wait = lookEvery
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// Name is what people call the provider.
func (p *Provider) Name() string { return p.label() }

// Known says whether the provider has answered, so that people can be sent to it.
func (p *Provider) Known() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.found != nil
}

// get returns the provider's metadata, and looks it up when that has not worked yet.
func (p *Provider) get(ctx context.Context) (*metadata, error) {
	p.mu.Lock()
	found, tried, err := p.found, p.tried, p.err
	p.mu.Unlock()
	switch {
	case found != nil:
		return found, nil
	case err != nil && p.now().Sub(tried) < againAfter:
		return nil, err
	}
	return p.look(ctx)
}

// look asks the provider about itself. What it said before stays where it can't.
func (p *Provider) look(ctx context.Context) (*metadata, error) {
	select {
	case p.looking <- struct{}{}:
		defer func() { <-p.looking }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrAway, ctx.Err())
	}
	found, err := p.discover(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.err
	p.tried, p.err = p.now(), err
	switch {
	case err == nil:
		if p.found == nil {
			p.log.Info("the OpenID provider answers", "issuer", found.issuer)
		}
		p.found = found
	case before == nil || before.Error() != err.Error():
		p.log.Warn("the OpenID provider can't be looked up", "err", fmt.Sprintf("%.300s", err.Error()))
	}
	if p.found == nil {
		return nil, err
	}
	return p.found, nil
}

func (p *Provider) discover(ctx context.Context) (*metadata, error) {
	ctx = oidc.ClientContext(ctx, p.client)
	provider, err := oidc.NewProvider(ctx, p.Issuer)
	var other *oidc.IssuerMismatchError
	if errors.As(err, &other) && strings.TrimSuffix(other.Discovered, "/") == strings.TrimSuffix(p.Issuer, "/") {
		// Some spell themselves with a slash at the end that people leave out.
		provider, err = oidc.NewProvider(ctx, other.Discovered)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	var said struct {
		Issuer      string `json:"issuer"`
		EndSession  string `json:"end_session_endpoint"`
		JWKS        string `json:"jwks_uri"`
		NamesItself bool   `json:"authorization_response_iss_parameter_supported"`
	}
	if err := provider.Claims(&said); err != nil {
		return nil, fmt.Errorf("%w: read its metadata: %w", ErrAway, err)
	}
	endpoint := provider.Endpoint()
	for what, address := range map[string]string{"authorization_endpoint": endpoint.AuthURL, "token_endpoint": endpoint.TokenURL, "jwks_uri": said.JWKS} {
		if err := checkEndpoint(what, address); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAway, err)
		}
	}
	if checkEndpoint("end_session_endpoint", said.EndSession) != nil {
		said.EndSession = ""
	}
	return &metadata{
		provider: provider, issuer: said.Issuer, endSession: said.EndSession, namesItself: said.NamesItself,
		oauth: oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: endpoint, RedirectURL: p.redirect, Scopes: p.scopes()},
		verifier: provider.VerifierContext(ctx, &oidc.Config{
			ClientID: p.ClientID,
			Now:      func() time.Time { return p.now().Add(-skew) },
		}),
	}, nil
}

func checkEndpoint(what, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return fmt.Errorf("its %s is no URL", what)
	}
	return checkScheme("its "+what, u)
}
