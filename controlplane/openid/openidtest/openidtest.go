// Package openidtest runs a real OpenID Connect provider for tests: the certified
// one of zitadel/oidc, with its sign-in page and some people, in this process.
package openidtest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/text/language"
)

// What the provider knows Weir by, and the password of everybody.
const (
	ClientID     = "weir"
	ClientSecret = "a secret that only weir and the provider know"
	Password     = "correct horse battery staple"
)

// Person is somebody with an account at the provider.
type Person struct {
	Name     string // that they sign in with; what stands before the @ of the address
	Email    string
	Verified bool
}

// Server is a running provider.
type Server struct {
	Issuer string

	mu     sync.Mutex
	people []Person
	away   atomic.Bool
	weir   atomic.Pointer[string] // its URL
	inner  http.Handler
}

// Start starts a provider that ends with the test.
func Start(t testing.TB, people ...Person) *Server {
	t.Helper()
	s := &Server{people: people}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.Issuer = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	s.Serve("http://127.0.0.1:1")
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	s.inner = exampleop.SetupServer(s.Issuer, &store{storage.NewStorage(s), s}, log, false)
	return s
}

// Serve says which Weir the provider works for, by its public URL.
func (s *Server) Serve(weir string) { s.weir.Store(&weir) }

// Away makes the provider fail, until it is called with false.
func (s *Server) Away(away bool) { s.away.Store(away) }

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.away.Load() {
		http.Error(w, "the provider is being looked after", http.StatusServiceUnavailable)
		return
	}
	s.inner.ServeHTTP(w, r)
}

// GetUserByID is asked by the provider's storage.
func (s *Server) GetUserByID(id string) *storage.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, p := range s.people {
		if id == fmt.Sprint("subject-", i) {
			return &storage.User{
				ID: id, Username: p.Name, Password: Password, FirstName: strings.ToUpper(p.Name[:1]) + p.Name[1:], LastName: "Example",
				Email: p.Email, EmailVerified: p.Verified, PreferredLanguage: language.English,
			}
		}
	}
	return nil
}

// GetUserByUsername is asked by the provider's storage.
func (s *Server) GetUserByUsername(name string) *storage.User {
	s.mu.Lock()
	at := slices.IndexFunc(s.people, func(p Person) bool { return p.Name == name })
	s.mu.Unlock()
	return s.GetUserByID(fmt.Sprint("subject-", at))
}

// Rename gives somebody another e-mail address.
func (s *Server) Rename(name, email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.people {
		if s.people[i].Name == name {
			s.people[i].Email = email
		}
	}
}

// ExampleClientID is asked by the provider's storage.
func (s *Server) ExampleClientID() string { return "nobody" }

// store is the provider's storage, with Weir as its only client.
type store struct {
	*storage.Storage
	server *Server
}

// GetClientByClientID implements op.OPStorage.
func (s *store) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != ClientID {
		return nil, fmt.Errorf("there is no client %q", id)
	}
	weir := *s.server.weir.Load()
	return client{storage.WebClient(ClientID, ClientSecret, weir+"/auth/oidc/callback"), weir}, nil
}

// AuthorizeClientIDSecret implements op.OPStorage.
func (s *store) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if id != ClientID || secret != ClientSecret {
		return fmt.Errorf("there is no client %q with this secret", id)
	}
	return nil
}

type client struct {
	*storage.Client
	weir string
}

// PostLogoutRedirectURIs implements op.Client.
func (c client) PostLogoutRedirectURIs() []string { return []string{c.weir + "/sign-in"} }

// SignIn goes through the provider's sign-in page as a person, from the address that
// Weir sent their browser to, and returns the address that it sends them back to.
func (s *Server) SignIn(t testing.TB, address, name string) *url.URL {
	t.Helper()
	page := Follow(t, address)
	form := url.Values{"username": {name}, "password": {Password}, "id": {page.Query().Get("authRequestID")}}
	resp, err := plain.PostForm(s.Issuer+"/login/username", form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		t.Fatalf("the provider's sign-in page answers %d", resp.StatusCode)
	}
	return Follow(t, s.at(resp.Header.Get("Location")))
}

// at completes an address of the provider.
func (s *Server) at(address string) string {
	if strings.HasPrefix(address, "/") {
		return s.Issuer + address
	}
	return address
}

// plain follows nothing by itself.
var plain = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Follow asks for an address of the provider and returns where that leads.
func Follow(t testing.TB, address string) *url.URL {
	t.Helper()
	resp, err := plain.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s leads nowhere: %d %s", address, resp.StatusCode, body)
	}
	return to
}
