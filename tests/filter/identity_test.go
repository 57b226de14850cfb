package filter_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/deploy"
	"github.com/weirhq/weir/plugin/book"
)

// issuer signs tokens.
type issuer struct {
	*testing.T
	key *rsa.PrivateKey
}

func newIssuer(t *testing.T) issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{t, key}
}

func (i issuer) keys() string {
	return fmt.Sprintf(`{"keys":[{"kty":"RSA","alg":"RS256","use":"sig","kid":"k","n":%q,"e":%q}]}`,
		base64.RawURLEncoding.EncodeToString(i.key.N.Bytes()), base64.RawURLEncoding.EncodeToString(big.NewInt(int64(i.key.E)).Bytes()))
}

func (i issuer) token(claims map[string]any) string {
	i.Helper()
	claims["iss"], claims["exp"] = "https://issuer.test", time.Now().Unix()+3600
	payload, err := json.Marshal(claims)
	if err != nil {
		i.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, digest[:])
	if err != nil {
		i.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// withTokens puts jwt_authn before the filter.
func withTokens(keys string) func(string) string {
	return func(config string) string {
		const filter = "                  - name: weir\n"
		return strings.Replace(config, filter, `                  - name: envoy.filters.http.jwt_authn
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
                      providers:
                        test:
                          issuer: https://issuer.test
                          payload_in_metadata: payload
                          forward: true
                          local_jwks: { inline_string: `+strconv.Quote(keys)+` }
                      rules:
                        - match: { prefix: / }
                          requires: { requires_any: { requirements: [{ provider_name: test }, { allow_missing: {} }] } }
`+filter, 1)
	}
}

func TestFilterInEnvoyTakesClaims(t *testing.T) {
	i := newIssuer(t)
	p := gatewayPolicy(perMinute(100))
	p.Plans = append(p.Plans, book.Plan{ID: 3, Tier: 3, Name: "Gold", Limits: []book.Limit{rate(31, "gold", 1000, 60, 1000)}})
	p.Keys = append(p.Keys,
		book.Key{ID: 71, Account: 7, Plan: 2, Kind: book.JWTSubject, Digest: book.SubjectDigest("alice")},
		book.Key{ID: 72, Account: 7, Plan: 2, Kind: book.JWTSubject, Digest: book.IssuedSubjectDigest("https://issuer.test", "carol")},
		book.Key{ID: 73, Account: 7, Plan: 2, Kind: book.JWTSubject, Digest: book.IssuedSubjectDigest("https://other.test", "dave")})
	_, v := inEnvoyAs(t, p, setup{workers: 2, edit: withTokens(i.keys()), envoy: deploy.Envoy{Identify: "key, jwt", JWTTierClaim: "plan"}})
	for name, c := range map[string]struct {
		headers []string
		status  int
		key     string
		tier    string
	}{
		"a subject":                      {[]string{"Authorization", "Bearer " + i.token(map[string]any{"sub": "alice"})}, 200, "key_71", "Basic"},
		"a subject with a tier":          {[]string{"Authorization", "Bearer " + i.token(map[string]any{"sub": "alice", "plan": "Gold"})}, 200, "key_71", "Gold"},
		"a subject of this issuer":       {[]string{"Authorization", "Bearer " + i.token(map[string]any{"sub": "carol"})}, 200, "key_72", "Basic"},
		"a subject of another issuer":    {[]string{"Authorization", "Bearer " + i.token(map[string]any{"sub": "dave"})}, 401, "", ""},
		"a tier that there isn't":        {[]string{"Authorization", "Bearer " + i.token(map[string]any{"sub": "alice", "plan": "Platinum"})}, 200, "key_71", "Basic"},
		"claims of other types":          {[]string{"Authorization", "Bearer " + i.token(map[string]any{"sub": 7, "plan": []int{1}})}, 401, "", ""},
		"a subject that nobody knows":    {[]string{"Authorization", "Bearer " + i.token(map[string]any{"sub": "bob"})}, 401, "", ""},
		"a token that another signed":    {[]string{"Authorization", "Bearer " + newIssuer(t).token(map[string]any{"sub": "alice"})}, 401, "", ""},
		"a key before the token":         {[]string{"X-Api-Key", "demo-basic", "Authorization", "Bearer " + i.token(map[string]any{"sub": "bob"})}, 200, "key_70", "Basic"},
		"the subject's name isn't a key": {[]string{"X-Api-Key", "alice"}, 401, "", ""},
	} {
		r, body := do(t, "GET", v.url, c.headers...)
		if r.StatusCode != c.status || r.Header.Get("Seen-X-Weir-Key") != c.key || r.Header.Get("Seen-X-Weir-Tier") != c.tier {
			t.Errorf("%s: status %d, header %v, body %s", name, r.StatusCode, r.Header, body)
		}
	}
}

// authority signs certificates.
type authority struct {
	*testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{T: t}
	var text string
	text, a.key = a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	block, _ := pem.Decode([]byte(text))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	a.cert = cert
	return a
}

// sign returns a certificate, PEM, and its key.
func (a *authority) sign(c *x509.Certificate) (string, *ecdsa.PrivateKey) {
	a.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), key
}

func (a *authority) pair(c *x509.Certificate) (cert, key string) {
	a.Helper()
	cert, private := a.sign(c)
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		a.Fatal(err)
	}
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

// withCertificates makes the listener take TLS, and certificates of clients that
// show one.
func (a *authority) withCertificates() func(string) string {
	cert, key := a.pair(&x509.Certificate{Subject: pkix.Name{CommonName: "gateway"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
	return func(config string) string {
		return strings.Replace(config, "        - filters:\n", `        - transport_socket:
            name: envoy.transport_sockets.tls
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
              common_tls_context:
                tls_certificates:
                  - certificate_chain: { inline_string: `+strconv.Quote(cert)+` }
                    private_key: { inline_string: `+strconv.Quote(key)+` }
                validation_context: { trusted_ca: { inline_string: `+strconv.Quote(ca)+` } }
          filters:
`, 1)
	}
}

func TestFilterInEnvoyTakesCertificates(t *testing.T) {
	a := newAuthority(t)
	p := gatewayPolicy(perMinute(100))
	p.Keys = append(p.Keys, book.Key{ID: 72, Account: 7, Plan: 2, Kind: book.Certificate, Digest: book.CertificateDigest("spiffe://test/a")})
	_, v := inEnvoyAs(t, p, setup{workers: 1, edit: a.withCertificates(), envoy: deploy.Envoy{Identify: "certificate, key"}})
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	send := func(uri string, headers ...string) (int, string) {
		config := &tls.Config{RootCAs: roots}
		if uri != "" {
			name, err := url.Parse(uri)
			if err != nil {
				t.Fatal(err)
			}
			cert, key := a.pair(&x509.Certificate{Subject: pkix.Name{CommonName: "client"}, URIs: []*url.URL{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
			pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
			if err != nil {
				t.Fatal(err)
			}
			config.Certificates = []tls.Certificate{pair}
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
		defer client.CloseIdleConnections()
		r, err := http.NewRequest(http.MethodGet, strings.Replace(v.url, "http:", "https:", 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode, response.Header.Get("Seen-X-Weir-Key")
	}
	for _, c := range []struct {
		uri, apiKey string
		status      int
		key         string
	}{
		{"spiffe://test/a", "", 200, "key_72"},
		{"spiffe://test/b", "", 401, ""},
		{"spiffe://test/b", "demo-basic", 200, "key_70"},
		{"", "", 401, ""},
		{"", "demo-basic", 200, "key_70"},
	} {
		if status, key := send(c.uri, "X-Api-Key", c.apiKey); status != c.status || key != c.key {
			t.Errorf("certificate %q, key %q: status %d, %q; want %d, %q", c.uri, c.apiKey, status, key, c.status, c.key)
		}
	}
}

func TestFilterInEnvoyLimitsAddresses(t *testing.T) {
	p := gatewayPolicy(perMinute(100))
	l := rate(90, "per-address", 3, 86400, 3)
	l.Subject = book.PerAddress
	p.Anonymous, p.Plans = 9, append(p.Plans, book.Plan{ID: 9, Tier: 9, Name: "Anonymous", Limits: []book.Limit{l}})
	_, v := inEnvoyAs(t, p, setup{workers: 4, envoy: deploy.Envoy{Identify: "key, address"}})
	const addresses = 300
	passed := make([]int, addresses)
	for round := range 5 {
		for i := range addresses {
			address := net.IPv4(127, 0, byte(1+i/200), byte(1+i%200))
			dial := &net.Dialer{LocalAddr: &net.TCPAddr{IP: address}}
			client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
				return dial.DialContext(ctx, network, to)
			}}}
			r, err := http.NewRequest(http.MethodGet, v.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Forwarded-For", strconv.Itoa(round)+".2.3.4") // doesn't make another address
			response, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			client.CloseIdleConnections()
			if response.StatusCode == 200 {
				passed[i]++
			}
		}
	}
	for i, n := range passed {
		if n != 3 {
			t.Errorf("address %d: %d passed, want 3", i, n)
		}
	}
	if r, _ := get(t, v.url, "demo-basic"); r.StatusCode != 200 || r.Header.Get("Seen-X-Weir-Account") != "acc_7" {
		t.Errorf("with a key: status %d, header %v", r.StatusCode, r.Header)
	}
}
