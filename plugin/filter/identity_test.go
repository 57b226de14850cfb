package filter_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

// text makes a property of the stream a text.
func (e *emulator) text(value string, path ...string) {
	e.Helper()
	if err := e.SetProperty(path, []byte(value)); err != nil {
		e.Fatal(err)
	}
}

func identities() book.Policy {
	p := testPolicy()
	now := int64(1795262430) // the tests' wall clock when they begin
	p.Anonymous = 9
	p.Plans = append(p.Plans, book.Plan{ID: 9, Tier: 9, Name: "Anonymous", Limits: []book.Limit{{
		ID: 90, Name: "per-address", Subject: book.PerAddress, Selector: book.All, Kind: book.Rate, Measure: book.Requests,
		Mode: book.Enforce, Amount: 2, PeriodSeconds: 60, Burst: 2,
	}}}, book.Plan{ID: 3, Tier: 3, Name: "Gold", Limits: []book.Limit{perMinute(7)}})
	p.Keys = append(p.Keys,
		book.Key{ID: 71, Account: accountActive, Plan: 2, Kind: book.APIKey, Digest: book.SecretDigest("held"), Suspended: true},
		book.Key{ID: 72, Account: accountActive, Plan: 2, Kind: book.APIKey, Digest: book.SecretDigest("expiring"), ExpiresAt: now*1000 + 10_250},
		book.Key{ID: 73, Account: accountActive, Plan: 2, Kind: book.JWTSubject, Digest: book.SubjectDigest("alice")},
		book.Key{ID: 74, Account: accountActive, Plan: 2, Kind: book.Certificate, Digest: book.CertificateDigest("spiffe://x/a")},
	)
	return p
}

func TestKeysByPlace(t *testing.T) {
	for name, c := range map[string]struct {
		configuration, path string
		headers             [][2]string
		status              int
		upstream            string // what it gets of the key
	}{
		"query":                       {`"key_query":"api_key"`, "/a?x=1&api_key=active&y=2", nil, 200, "/a?x=1&api_key=active&y=2"},
		"query, stripped":             {`"key_query":"api_key","strip_key":true`, "/a?x=1&api_key=active&y=2", nil, 200, "/a?x=1&y=2"},
		"only parameter, stripped":    {`"key_query":"k","strip_key":true`, "/a?k=active", nil, 200, "/a"},
		"query isn't looked at":       {`"key_query":""`, "/a?api_key=active", nil, 401, ""},
		"header, stripped":            {`"strip_key":true`, "/a", [][2]string{withKey}, 200, "/a"},
		"bearer is off":               {`"key_bearer":false`, "/a", [][2]string{{"authorization", "Bearer active"}}, 401, ""},
		"another header":              {`"key_header":"apikey"`, "/a", [][2]string{{"apikey", "active"}}, 200, "/a"},
		"a JWT subject is no API key": {`"key_header":"apikey"`, "/a", [][2]string{{"apikey", "jwt\x00alice"}}, 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			onEmulator(t, `{"node":"n",`+c.configuration+`}`, func(e *emulator) {
				e.started(identities())
				x := e.send("GET", c.path, c.headers...)
				if x.status != c.status || c.status == 200 && header(x.upstream, ":path") != c.upstream {
					e.Errorf("status %d, upstream %q; want %d, %q", x.status, header(x.upstream, ":path"), c.status, c.upstream)
				}
				if strings.Contains(c.configuration, `"strip_key":true`) && header(x.upstream, "x-api-key") != "" {
					e.Error("the upstream gets the key")
				}
			})
		})
	}
}

func TestKeysThatMayNotPass(t *testing.T) {
	onEmulator(t, plainConfiguration, func(e *emulator) {
		e.started(identities())
		x := e.send("GET", "/", [2]string{"x-api-key", "held"})
		if x.status != 403 || e.problem(x)["detail"] != "The key is suspended." {
			e.Errorf("status %d, %s", x.status, x.body)
		}
		expiring := [2]string{"x-api-key", "expiring"}
		e.pass(10*time.Second + 140*time.Millisecond)
		if x := e.send("GET", "/", expiring); x.status != 200 {
			e.Errorf("before it expires: status %d", x.status)
		}
		e.pass(10 * time.Millisecond)
		x = e.send("GET", "/", expiring)
		if x.status != 401 || e.problem(x)["detail"] != "The key has expired." {
			e.Errorf("status %d, %s", x.status, x.body)
		}
	})
}

func TestVerifiedNames(t *testing.T) {
	jwt := []string{"metadata", "filter_metadata", "envoy.filters.http.jwt_authn", "payload"}
	const ways = `{"node":"n","identify":"key,jwt,certificate","jwt_tier_claim":"plan"}`
	t.Run("a claim names the caller, and another one the tier", func(t *testing.T) {
		onEmulator(t, ways, func(e *emulator) {
			e.started(identities())
			e.text("alice", append(jwt, "sub")...)
			x := e.send("GET", "/", [2]string{"authorization", "Bearer a.b.c"})
			if x.status != 200 || header(x.upstream, "x-weir-key") != "key_73" || header(x.upstream, "x-weir-tier") != "Basic" {
				e.Errorf("status %d, upstream %v", x.status, x.upstream)
			}
			e.text("Gold", append(jwt, "plan")...)
			x = e.send("GET", "/")
			e.fields(x, nil, policies{"per-minute": {"r": 6, "t": 9}})
			if header(x.upstream, "x-weir-tier") != "Gold" || header(x.upstream, "x-weir-account") != "acc_7" {
				e.Errorf("upstream %v", x.upstream)
			}
			e.text("No such tier", append(jwt, "plan")...)
			if x = e.send("GET", "/"); header(x.upstream, "x-weir-tier") != "Basic" {
				e.Errorf("an unknown tier: upstream %v", x.upstream)
			}
			e.text("Anonymous", append(jwt, "plan")...)
			if x = e.send("GET", "/"); header(x.upstream, "x-weir-tier") != "Basic" {
				e.Errorf("a tier for addresses: upstream %v", x.upstream)
			}
		})
	})
	t.Run("an issuer's subject is another one than any issuer's", func(t *testing.T) {
		onEmulator(t, ways, func(e *emulator) {
			p := identities()
			p.Keys = append(p.Keys, book.Key{ID: 75, Account: 10, Plan: 2, Kind: book.JWTSubject, Digest: book.IssuedSubjectDigest("https://a.test", "alice")},
				book.Key{ID: 76, Account: 10, Plan: 2, Kind: book.JWTSubject, Digest: book.IssuedSubjectDigest("https://a.test", "bob")},
				book.Key{ID: 77, Account: 10, Plan: 2, Kind: book.JWTSubject, Digest: book.IssuedSubjectDigest("https://b.test", "carol"), Suspended: true})
			e.started(p)
			for _, c := range []struct {
				issuer, subject string
				status          int
				key             string
			}{
				{"", "alice", 200, "key_73"}, // before the others: the emulator can't unset it
				{"https://a.test", "alice", 200, "key_75"},
				{"https://b.test", "alice", 200, "key_73"},
				{"https://a.test", "bob", 200, "key_76"},
				{"https://b.test", "bob", 401, ""},
				{"https://a.test\x00x", "bob", 401, ""},
				{strings.Repeat("x", 100_000), "bob", 401, ""},
				{"https://b.test", "carol", 403, ""},
			} {
				if c.issuer != "" {
					e.text(c.issuer, append(jwt, "iss")...)
				}
				e.text(c.subject, append(jwt, "sub")...)
				if x := e.send("GET", "/"); x.status != c.status || header(x.upstream, "x-weir-key") != c.key {
					e.Errorf("%.40q of %.40q: status %d, upstream %v; want %d and %q", c.subject, c.issuer, x.status, x.upstream, c.status, c.key)
				}
			}
		})
	})
	t.Run("its token stays in the request, whatever is stripped", func(t *testing.T) {
		onEmulator(t, `{"node":"n","identify":"key,jwt","strip_key":true}`, func(e *emulator) {
			e.started(identities())
			e.text("alice", append(jwt, "sub")...)
			x := e.send("GET", "/", [2]string{"authorization", "Bearer a.b.c"})
			if x.status != 200 || header(x.upstream, "authorization") != "Bearer a.b.c" {
				e.Errorf("status %d, upstream %v", x.status, x.upstream)
			}
		})
	})
	t.Run("a certificate names the caller only if it was shown", func(t *testing.T) {
		onEmulator(t, ways, func(e *emulator) {
			e.started(identities())
			e.text("spiffe://x/a", "connection", "uri_san_peer_certificate")
			if x := e.send("GET", "/"); x.status != 401 {
				e.Errorf("without mtls: status %d, want 401", x.status)
			}
			e.text("\x01", "connection", "mtls")
			if x := e.send("GET", "/"); x.status != 200 || header(x.upstream, "x-weir-key") != "key_74" {
				e.Errorf("status %d, upstream %v", x.status, x.upstream)
			}
			e.text("spiffe://x/b", "connection", "uri_san_peer_certificate")
			if x := e.send("GET", "/"); x.status != 401 {
				e.Errorf("unknown name: status %d, want 401", x.status)
			}
		})
	})
}

func TestAddresses(t *testing.T) {
	from := func(e *emulator, address string) int {
		e.Helper()
		e.text(address, "source", "address")
		x := e.send("GET", "/", [2]string{"x-weir-account", "acc_1"})
		if x.passed && (header(x.upstream, "x-weir-account") != "" || header(x.upstream, "x-weir-tier") != "Anonymous") {
			e.Errorf("upstream %v", x.upstream)
		}
		return x.status
	}
	t.Run("each has its own bucket, an IPv6 network of 64 bits one", func(t *testing.T) {
		onEmulator(t, `{"node":"n","identify":"key,address"}`, func(e *emulator) {
			e.started(identities())
			for _, c := range []struct {
				address string
				status  int
			}{
				{"203.0.113.1:1", 200}, {"203.0.113.1:2", 200}, {"203.0.113.1:3", 429}, {"203.0.113.2:1", 200},
				{"[2001:db8::1]:1", 200}, {"[2001:db8::ffff:1]:1", 200}, {"[2001:db8::2]:1", 429}, {"[2001:db8:0:1::2]:1", 200},
				{"[::ffff:203.0.113.1]:1", 429}, {"/tmp/socket", 401},
			} {
				if got := from(e, c.address); got != c.status {
					e.Errorf("%s: status %d, want %d", c.address, got, c.status)
				}
			}
		})
	})
	t.Run("a credential that nobody knows counts as none only if configured", func(t *testing.T) {
		for configuration, status := range map[string]int{`"unknown":"refuse"`: 401, `"unknown":"anonymous"`: 200} {
			onEmulator(t, `{"node":"n","identify":"key,address",`+configuration+`}`, func(e *emulator) {
				e.started(identities())
				e.text("203.0.113.9:1", "source", "address")
				if x := e.send("GET", "/", [2]string{"x-api-key", "nobody"}); x.status != status {
					e.Errorf("%s: status %d, want %d", configuration, x.status, status)
				}
			})
		}
	})
}

func TestPreflight(t *testing.T) {
	preflight := [][2]string{{"origin", "https://a.test"}, {"access-control-request-method", "PUT"}, {"access-control-request-headers", "x-api-key"}}
	t.Run("passes without a key and is counted for nobody", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(testPolicy())
			e.commit(e.call("POST"))
			x := e.send("OPTIONS", "/", append(preflight, [2]string{"x-weir-account", "acc_1"})...)
			if x.status != 200 || header(x.upstream, "x-weir-account") != "" {
				e.Errorf("status %d, upstream %v", x.status, x.upstream)
			}
			if x := e.send("OPTIONS", "/"); x.status != 401 {
				e.Errorf("OPTIONS that is no preflight: status %d, want 401", x.status)
			}
			b := e.batch()
			if b.Entries[0].Account != 0 || b.Entries[0].Decision != wire.Allowed || b.Entries[0].Requests != 1 {
				e.Errorf("entries %+v", b.Entries)
			}
		})
	})
	t.Run("is limited by its address where there is a tier for that", func(t *testing.T) {
		onEmulator(t, plainConfiguration, func(e *emulator) {
			e.started(identities())
			e.text("203.0.113.1:1", "source", "address")
			got := [3]int{}
			for i := range got {
				got[i] = e.send("OPTIONS", "/", preflight...).status
			}
			if got != [3]int{200, 200, 429} {
				e.Errorf("statuses %v, want 200, 200, 429", got)
			}
		})
	})
}

func TestGRPC(t *testing.T) {
	onEmulator(t, plainConfiguration, func(e *emulator) {
		p := identities()
		p.Plans[0].Limits = []book.Limit{perMinute(1)}
		e.started(p)
		grpc := [2]string{"content-type", "application/grpc+proto"}
		status := func(headers ...[2]string) int32 {
			x := e.send("POST", "/pkg.Service/Method", append(headers, grpc)...)
			local := e.GetSentLocalResponse(x.id)
			if local == nil {
				return 0
			}
			if header(local.Headers, "x-request-id") != "req-1" {
				e.Errorf("answer %v names no request id", local.Headers)
			}
			if header(local.Headers, "content-type") != "" || strings.Contains(string(local.Data), "{") {
				e.Errorf("answer %v %q", local.Headers, local.Data)
			}
			return local.GRPCStatus
		}
		for _, c := range []struct {
			key  string
			want int32
		}{{"active", 0}, {"active", 8}, {"nobody", 16}, {"held", 7}} {
			if got := status([2]string{"x-api-key", c.key}); got != c.want {
				e.Errorf("%s: grpc-status %d, want %d", c.key, got, c.want)
			}
		}
	})
}

func TestGRPCWeb(t *testing.T) {
	for sent, want := range map[string]string{
		"application/grpc-web":                      "application/grpc-web+proto",
		"application/grpc-web+proto":                "application/grpc-web+proto",
		"application/grpc-web;charset=utf-8":        "application/grpc-web+proto",
		"application/grpc-web-text":                 "application/grpc-web-text+proto",
		"application/grpc-web-text+proto; q=1":      "application/grpc-web-text+proto",
		"application/grpc-webby":                    "application/problem+json",
		"text/plain; x=application/grpc-web+proto":  "application/problem+json",
		"application/grpc-web-textual, application": "application/problem+json",
	} {
		t.Run(sent, func(t *testing.T) {
			onEmulator(t, plainConfiguration, func(e *emulator) {
				p := identities()
				p.Plans[0].Name = "100 % größer"
				p.Plans[0].Limits = []book.Limit{perMinute(1)}
				e.started(p)
				kind := [2]string{"content-type", sent}
				e.send("POST", "/pkg.Service/Method", withKey, kind)
				x := e.send("POST", "/pkg.Service/Method", withKey, kind)
				if got := header(x.headers, "content-type"); got != want || header(x.headers, "retry-after") == "" {
					e.Fatalf("header %v, want a %s and Retry-After", x.headers, want)
				}
				if want == "application/problem+json" {
					return
				}
				const message = "Limit per-minute of tier 100 %25 gr%C3%B6%C3%9Fer allows 1 request a minute; retry in 60 s."
				body := x.body
				if strings.Contains(want, "text") {
					var err error
					if body, err = base64.StdEncoding.DecodeString(string(body)); err != nil {
						e.Fatal(err)
					}
				}
				frame := "\x80\x00\x00\x00" + string(rune(len(body)-5)) + "grpc-status:8\r\ngrpc-message:" + message + "\r\n"
				if x.status != 200 || string(body) != frame || header(x.headers, "grpc-status") != "8" || header(x.headers, "grpc-message") != message {
					e.Errorf("status %d, header %v, body %q", x.status, x.headers, body)
				}
				for _, n := range e.batch().Entries {
					if n.Decision == wire.Throttled && n.Status != 429 {
						e.Errorf("counted with status %d, want 429", n.Status)
					}
				}
			})
		})
	}
}

func TestGRPCWebIsPOSTOnly(t *testing.T) {
	onEmulator(t, plainConfiguration, func(e *emulator) {
		p := identities()
		p.Plans[0].Limits = []book.Limit{perMinute(1)}
		e.started(p)
		e.send("POST", "/", withKey)
		for _, method := range []string{"HEAD", "GET", "PUT", "OPTIONS"} {
			for _, kind := range []string{"application/grpc-web+proto", "application/grpc-web-text"} {
				x := e.send(method, "/", withKey, [2]string{"content-type", kind})
				if x.status != 429 || header(x.headers, "content-type") != "application/problem+json" || header(x.headers, "grpc-status") != "" {
					e.Errorf("%s of %s: status %d, header %v", method, kind, x.status, x.headers)
				}
			}
		}
	})
}

func TestOlderFieldsAndLink(t *testing.T) {
	onEmulator(t, `{"node":"n","x_ratelimit":true,"link":"https://example.com/plans"}`, func(e *emulator) {
		e.started(testPolicy())
		x := e.send("POST", "/v1/orders/1", withKey)
		if got := header(x.headers, "x-ratelimit-limit") + " " + header(x.headers, "x-ratelimit-remaining") + " " + header(x.headers, "x-ratelimit-reset"); got != "2 1 6" {
			e.Errorf("X-RateLimit-* %q, want those of the tightest limit", got)
		}
		e.send("POST", "/v1/orders/1", withKey)
		x = e.send("POST", "/v1/orders/1", withKey)
		if got := e.problem(x)["link"]; got != "https://example.com/plans" || header(x.headers, "x-ratelimit-remaining") != "0" {
			e.Errorf("link %v, X-RateLimit-Remaining %q", got, header(x.headers, "x-ratelimit-remaining"))
		}
	})
}
