package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// proxy passes requests on to the control plane.
func (p *plane) proxy() *httputil.ReverseProxy {
	return httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: p.HTTPAddr()})
}

// meanwhile is the control plane with somebody who is faster: before the first request
// that has the text arrives, do is done.
func (p *plane) meanwhile(text string, do func()) {
	p.t.Helper()
	proxy, done := p.proxy(), false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			p.t.Error(err)
		}
		if !done && bytes.Contains(body, []byte(text)) {
			done = true
			do()
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	p.t.Cleanup(server.Close)
	p.t.Setenv("WEIR_URL", server.URL)
}

// dying is the control plane for a command that dies: it carries out so many mutations,
// and those after them fail.
func (p *plane) dying(mutations int64) (url string) {
	p.t.Helper()
	proxy := p.proxy()
	var came atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Idempotency-Key") != "" && came.Add(1) > mutations {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	p.t.Cleanup(server.Close)
	return server.URL
}

// watched is the control plane with somebody who reads along: it returns the answers to
// the operation.
func (p *plane) watched(operation string) (answers func() []string) {
	p.t.Helper()
	proxy, got := p.proxy(), []string(nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			p.t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Del("Accept-Encoding")
		answer := httptest.NewRecorder()
		proxy.ServeHTTP(answer, r)
		if bytes.Contains(body, []byte(operation)) {
			got = append(got, answer.Body.String())
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		if _, err := answer.Body.WriteTo(w); err != nil {
			p.t.Error(err)
		}
	}))
	p.t.Cleanup(server.Close)
	p.t.Setenv("WEIR_URL", server.URL)
	return func() []string { return got }
}

// Wherever apply dies, the next one goes on: nothing is made twice, and nothing stays
// without the mark of its files, or half an account.
func TestApplyThatDiesIsMendedByTheNext(t *testing.T) {
	p := open(t)
	p.in = `
metadata: {manager: platform}
groups: [{name: Reports}]
endpoints: [{method: GET, template: /reports, group: Reports}]
meters: [{name: Rows, unit: rows, header: x-rows}]
tiers: [{name: Gold, limits: [{name: per-day, amount: 10, period: DAY}]}]
accounts:
  - name: Oak
    tier: Gold
    status: SUSPENDED
    overrides: [{limit: per-day, amount: 20}]
    identities: [{kind: JWT_SUBJECT, value: oak}]
`
	const mutations = 4 + 4 // what bears a mark is made with it
	for done := range mutations {
		if got := p.weir("apply", "-f", "-", "--yes", "--url", p.dying(1)); (got.Code == 0) != (done == mutations-1) || strings.Contains(got.Err, "\r") {
			t.Fatalf("after %d of %d mutations: %+v", done+1, mutations, got)
		}
	}
	if got := p.must("plan", "-f", "-"); got != nothing {
		t.Error(got)
	}
	p.in = "metadata: {manager: platform}\n"
	if got := p.weir("plan", "-f", "-", "--prune").Out; !strings.Contains(got, "0 to create, 0 to change, 4 to delete") {
		t.Errorf("what was made does not bear its mark:\n%s", got)
	}
}

// What apply made before it died is pruned when it leaves the files before the next.
func TestWhatApplyMadeBeforeItDiedIsPruned(t *testing.T) {
	p := open(t)
	const made = `
metadata: {manager: platform}
groups: [{name: Reports}]
endpoints: [{method: GET, template: /reports, group: Reports}]
meters: [{name: Rows, unit: rows, header: x-rows}]
tiers: [{name: Gold, limits: [{name: per-day, amount: 10, period: DAY}]}]
`
	before := p.must("dump")
	for done := range 4 {
		p.in = made
		p.weir("apply", "-f", "-", "--yes", "--url", p.dying(int64(done+1)))
		p.in = "metadata: {manager: platform}\n"
		if got := p.weir("plan", "-f", "-", "--prune").Out; !strings.Contains(got, fmt.Sprintf("0 to create, 0 to change, %d to delete", done+1)) {
			t.Errorf("after %d mutations:\n%s", done+1, got)
		}
		p.must("apply", "-f", "-", "--prune", "--yes")
		if after := p.must("dump"); after != before {
			t.Errorf("after %d mutations there is left:\n%s", done+1, after)
		}
	}
	p.in = "metadata: {manager: '" + strings.Repeat("x", 65) + "'}\ngroups: [{name: Reports}]\n"
	p.refused(1, "manager", "apply", "-f", "-", "--yes")
}

func TestApplyOverwritesNothingThatOthersChangedSinceItsPlan(t *testing.T) {
	p := open(t)
	p.must("apply", "-f", policy, "--yes")
	direct := "http://" + p.HTTPAddr()
	for kind, c := range map[string]struct {
		mine, theirs []string // replacements in the policy
		mutation     string
		said         string
	}{
		"endpoint": {[]string{"cost: 20", "cost: 30"}, []string{"cost: 20", "cost: 25"}, "updateEndpoint", "cost: 20 → 25"},
		"meter":    {[]string{"unit: tokens", "unit: words"}, []string{"header: x-tokens", "header: x-words"}, "updateMeter", `header: "x-tokens" → "x-words"`},
		"tier":     {[]string{"amount: 100\n", "amount: 150\n"}, []string{"amount: 100\n", "amount: 160\n"}, "updateTier", "limits.per-minute.amount: 100 → 160"},
		"defaults": {[]string{"defaults:\n  tier: Basic\n", "defaults:\n  tier: Default\n"}, []string{"  anonymousTier: Visitors\n", ""}, "setDefaults", "anonymousTierId: "},
		"account":  {[]string{"team: books", "team: music"}, []string{"team: books", "team: films"}, "updateAccount", `labels.team: "books" → "films"`},
		"override": {[]string{"amount: 250", "amount: 300"}, []string{"amount: 250", "amount: 350"}, "setOverride", "amount: 250 → 350"},
		"override that is taken away": {[]string{"    overrides:\n      - limit: per-minute\n        amount: 250\n        until: 2099-01-01T00:00:00Z\n        note: for the book fair\n", "    overrides: []\n"},
			[]string{"amount: 250", "amount: 350"}, "deleteOverride", "amount: 250 → 350"},
	} {
		t.Run(kind, func(t *testing.T) {
			p := &plane{App: p.App, t: t, token: p.token, now: p.now}
			theirs := edited(t, c.theirs...)
			p.meanwhile(c.mutation, func() { p.must("apply", "-f", theirs, "--yes", "--url", direct) })
			got := p.weir("apply", "-f", edited(t, c.mine...), "--yes")
			if got.Code != 1 || !strings.Contains(got.Err, "somebody else changed this") || !strings.Contains(got.Err, c.said) || !strings.Contains(got.Err, "tests changed it at ") {
				t.Errorf("%+v\nwant a conflict that says %q", got, c.said)
			}
			if got := p.must("apply", "-f", theirs, "--yes"); got != nothing {
				t.Errorf("theirs was overwritten:\n%s", got)
			}
			p.must("apply", "-f", policy, "--yes")
		})
	}
}
