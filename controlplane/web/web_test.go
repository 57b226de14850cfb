package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/weirhq/weir/controlplane/web"
)

var built = fstest.MapFS{
	"index.html":       {Data: []byte("<title>dashboard</title>")},
	"graphiql.html":    {Data: []byte("<title>graphiql</title>")},
	"favicon.svg":      {Data: []byte("<svg/>")},
	"assets/app-1a.js": {Data: []byte(strings.Repeat("let x = 1;", 1000))},
}

func serve(t *testing.T, h http.Handler, method, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	web.Guard(h).ServeHTTP(w, r)
	return w.Result()
}

func TestDashboard(t *testing.T) {
	h := web.Dashboard(built)
	for path, want := range map[string]struct {
		status int
		body   string
		cache  string
	}{
		"/":                   {200, "dashboard", "no-store"},
		"/accounts/acc_7":     {200, "dashboard", "no-store"},
		"/index.htm":          {200, "dashboard", "no-store"},
		"/graphiql":           {200, "graphiql", "no-store"},
		"/favicon.svg":        {200, "<svg/>", "no-store"},
		"/assets/app-1a.js":   {200, "let x", "immutable"},
		"/assets/gone.js":     {404, "", ""},
		"/assets":             {200, "dashboard", "no-store"},
		"/../../etc/passwd":   {400, "", ""},
		"/assets/../../x/y/z": {400, "", ""},
	} {
		t.Run(path, func(t *testing.T) {
			got := serve(t, h, http.MethodGet, path)
			body, err := io.ReadAll(got.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got.StatusCode != want.status || !strings.Contains(string(body), want.body) || !strings.Contains(got.Header.Get("Cache-Control"), want.cache) {
				t.Errorf("got %d, %q, %.60s", got.StatusCode, got.Header.Get("Cache-Control"), body)
			}
		})
	}
}

func TestDashboardCompresses(t *testing.T) {
	got := serve(t, web.Dashboard(built), http.MethodGet, "/assets/app-1a.js", "Accept-Encoding", "gzip")
	reader, err := gzip.NewReader(got.Body)
	if err != nil {
		t.Fatalf("%s: %v", got.Header.Get("Content-Encoding"), err)
	}
	body, err := io.ReadAll(reader)
	if err != nil || string(body) != string(built["assets/app-1a.js"].Data) {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestDashboardOnlyReads(t *testing.T) {
	if got := serve(t, web.Dashboard(built), http.MethodPost, "/accounts"); got.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("got %d", got.StatusCode)
	}
}

func TestAnUnbuiltDashboardSaysSo(t *testing.T) {
	got := serve(t, web.Dashboard(fstest.MapFS{}), http.MethodGet, "/")
	body, _ := io.ReadAll(got.Body)
	if got.StatusCode != http.StatusNotFound || !strings.Contains(string(body), "make build") {
		t.Errorf("got %d %s", got.StatusCode, body)
	}
}
