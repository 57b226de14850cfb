package certs_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane/certs"
	"github.com/weirhq/weir/controlplane/certs/certstest"
)

// listen serves with what the files hold.
func listen(t *testing.T, f certs.Files) (url string, log *bytes.Buffer) {
	t.Helper()
	log = &bytes.Buffer{}
	source, err := certs.Open(f, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	server.TLS = source.Config()
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, log
}

// serial asks over a connection of its own, and returns the number of the
// certificate that it was shown.
func serial(t *testing.T, url string, config *tls.Config) (int64, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "HTTP/2.0" {
		t.Errorf("answered %q, %v", body, err)
	}
	return response.TLS.PeerCertificates[0].SerialNumber.Int64(), nil
}

func TestReplacedFilesServeTheNextConnection(t *testing.T) {
	ca := certstest.New(t, t.TempDir(), "ca")
	certificate, key := ca.Issue("server")
	url, log := listen(t, certs.Files{Certificate: certificate, Key: key})
	client := &tls.Config{RootCAs: ca.Pool()}
	shown := func() int64 {
		t.Helper()
		n, err := serial(t, url, client)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := shown()
	old, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	ca.Issue("server")
	fresh, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	// The new certificate is there, its key isn't yet.
	if err := os.WriteFile(key, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != first {
		t.Errorf("half replaced: shown certificate %d, want %d", got, first)
	}
	if shown(); strings.Count(log.String(), "could not take") != 1 {
		t.Errorf("told not once:\n%s", log)
	}
	if err := os.WriteFile(key, fresh, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != first+1 {
		t.Errorf("replaced: shown certificate %d, want %d", got, first+1)
	}
}

func TestClientsShowACertificateOfTheRightAuthority(t *testing.T) {
	ca, other := certstest.New(t, t.TempDir(), "ca"), certstest.New(t, t.TempDir(), "other")
	certificate, key := ca.Issue("server")
	url, _ := listen(t, certs.Files{Certificate: certificate, Key: key, ClientCA: ca.File})
	shows := func(a *certstest.Authority) *tls.Config {
		config := &tls.Config{RootCAs: ca.Pool()}
		if a != nil {
			pair, err := tls.LoadX509KeyPair(a.Issue("client"))
			if err != nil {
				t.Fatal(err)
			}
			// Shown even though the server says that it takes others only.
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
		return config
	}
	if _, err := serial(t, url, shows(ca)); err != nil {
		t.Errorf("one of the authority's: %v", err)
	}
	for name, config := range map[string]*tls.Config{"none": shows(nil), "another authority's": shows(other)} {
		if _, err := serial(t, url, config); err == nil {
			t.Errorf("a client with %s certificate was let in", name)
		}
	}
}

func TestOpenSaysWhichFileIsAtFault(t *testing.T) {
	ca := certstest.New(t, t.TempDir(), "ca")
	certificate, key := ca.Issue("server")
	missing, empty := filepath.Join(t.TempDir(), "missing"), filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		files certs.Files
		want  string
	}{
		"no key":           {certs.Files{Certificate: certificate}, "both"},
		"no certificate":   {certs.Files{Key: key}, "both"},
		"a missing file":   {certs.Files{Certificate: missing, Key: key}, missing},
		"another's key":    {certs.Files{Certificate: ca.File, Key: key}, key},
		"an empty CA":      {certs.Files{Certificate: certificate, Key: key, ClientCA: empty}, empty},
		"a CA not present": {certs.Files{Certificate: certificate, Key: key, ClientCA: missing}, missing},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := certs.Open(tc.files, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want one that names %s", err, tc.want)
			}
		})
	}
}
