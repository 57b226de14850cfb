package tests

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/weirhq/weir/controlplane/certs"
	"github.com/weirhq/weir/controlplane/certs/certstest"
	"github.com/weirhq/weir/controlplane/demo"
	"github.com/weirhq/weir/deploy"
	"github.com/weirhq/weir/tests/internal/stack"
)

func TestEnvoyAndTheEdgeShowEachOtherCertificates(t *testing.T) {
	ca := certstest.New(t, t.TempDir(), "ca")
	edge, envoy := certs.Files{ClientCA: ca.File}, &deploy.TLS{Name: "localhost", CA: ca.File}
	edge.Certificate, edge.Key = ca.Issue("edge")
	envoy.Certificate, envoy.Key = ca.Issue("envoy")
	s := stack.Start(t, databases.New(t), stack.Options{EdgeTLS: edge, EnvoyTLS: envoy})
	client := s.NewClient()
	s.Eventually("a first snapshot", func() bool { return client.Get("/hello", demo.BasicKey).Status == 200 })
	s.Eventually("its usage", func() bool { return s.Requests("MINUTE", "") == s.Answered() })

	// The node token alone opens nothing.
	thief := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool()}}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.Config.EdgeAddr+"/edge/v1/snapshot?have=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+stack.NodeToken)
	if response, err := thief.Do(r); err == nil {
		response.Body.Close()
		t.Errorf("without a certificate: status %d", response.StatusCode)
	}
}
