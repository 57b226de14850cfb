package app_test

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/controlplane/certs"
	"github.com/weirhq/weir/controlplane/certs/certstest"
)

func TestMetricsAreForThoseThatShowACertificate(t *testing.T) {
	ca := certstest.New(t, t.TempDir(), "ca")
	certificate, key := ca.Issue("weir")
	p := openOn(t, databases.New(t), func(c *app.Config) {
		c.MetricsAddr, c.MetricsTLS = "127.0.0.1:0", certs.Files{Certificate: certificate, Key: key, ClientCA: ca.File}
	})
	own, err := tls.LoadX509KeyPair(ca.Issue("prometheus"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		shown []tls.Certificate
		good  bool
	}{"with one": {[]tls.Certificate{own}, true}, "with none": {nil, false}} {
		t.Run(name, func(t *testing.T) {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost", Certificates: tc.shown}}
			defer transport.CloseIdleConnections()
			resp, err := (&http.Client{Transport: transport}).Get("https://" + p.MetricsAddr() + "/metrics")
			if (err == nil) != tc.good {
				t.Fatalf("got %v, %v", resp, err)
			}
			if err == nil {
				resp.Body.Close()
			}
		})
	}
}
