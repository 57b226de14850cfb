package app_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	tracesv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/plugin/wire"
)

// collector takes spans as an OpenTelemetry collector does.
type collector struct {
	mu    sync.Mutex
	spans []*tracev1.Span
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	var request tracesv1.ExportTraceServiceRequest
	data, err := io.ReadAll(body)
	if err == nil {
		err = proto.Unmarshal(data, &request)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "not traces", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

// above returns the names of a span and of those that it is in.
func (c *collector) above(span *tracev1.Span) (names []string) {
	for span != nil {
		names = append(names, span.Name)
		parent := span.ParentSpanId
		span = nil
		for _, s := range c.spans {
			if string(s.SpanId) == string(parent) {
				span = s
			}
		}
	}
	return names
}

func TestTracesGoThroughGraphQLAndPostgresAndNATS(t *testing.T) {
	var c collector
	server := httptest.NewServer(&c)
	defer server.Close()
	const traceID = "0af7651916cd43dd8448eb211c80319c"
	t.Run("a plane that is watched", func(t *testing.T) {
		p := openOn(t, databases.New(t), func(config *app.Config) { config.TraceURL = server.URL })
		got := p.send("POST", p.http("/graphql"), `{"query":"query SecretName {accounts(first:1){nodes{id}}}"}`, "Authorization", "Bearer "+p.token,
			"Content-Type", "application/json", "Traceparent", "00-"+traceID+"-b7ad6b7169203331-01")
		if got.Status != http.StatusOK || strings.Contains(got.Body, "errors") {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
		p.post(usageBatch(1, 7, 5, wire.Allowed))
		heartbeat := &wire.Batch{Source: usageBatch(1, 7, 5, wire.Allowed).Source, Node: "gateway-1"}
		for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
			r, err := wire.DecodeReceipt([]byte(p.post(heartbeat).Body))
			if err == nil && r.Committed == 1 {
				break
			}
			if t.Context().Err() != nil {
				t.Fatal("never committed")
			}
		}
		// Closing sends what is left.
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	var chains []string
	published := map[string]bool{}
	var linked, sqlInCommit bool
	for _, s := range c.spans {
		chain := strings.Join(c.above(s), " < ")
		if strings.Contains(s.String(), "SecretName") || strings.Contains(s.String(), "Bearer") {
			t.Errorf("a span repeats the caller's words: %s", s)
		}
		switch {
		case s.Name == "publish batch":
			published[string(s.SpanId)] = true
		case strings.HasSuffix(chain, " < commit batches"):
			sqlInCommit = true
		}
		chains = append(chains, chain)
	}
	for _, s := range c.spans {
		for _, l := range s.Links {
			linked = linked || s.Name == "commit batches" && published[string(l.SpanId)]
		}
	}
	all := strings.Join(chains, "\n")
	for _, want := range []string{
		"< query accounts < GraphQL query < POST /graphql",
		"publish batch < POST /edge/v1/usage",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no span is %s", want)
		}
	}
	if !linked || !sqlInCommit {
		t.Errorf("commits name the publishing: %v; hold statements: %v", linked, sqlInCommit)
	}
	if t.Failed() {
		t.Logf("spans:\n%s", all)
	}
}

func TestMetricsTellOfRequestsOperationsAndBatches(t *testing.T) {
	p := openOn(t, databases.New(t), func(config *app.Config) { config.MetricsAddr = "127.0.0.1:0" })
	p.must(`{accounts(first:1){nodes{id}}}`, &struct{}{})
	p.query(`{accounts(first:-1){nodes{id}}}`, &struct{}{})
	p.post(usageBatch(1, 7, 5, wire.Allowed))
	p.send("GET", p.http("/some/path-of-a-caller"), "")
	got := p.send("GET", "http://"+p.MetricsAddr()+"/metrics", "")
	for _, want := range []string{
		`weir_http_request_seconds_count{listener="http",route="/graphql",status="2xx"} 2`,
		`weir_http_request_seconds_count{listener="http",route="/",status="`,
		`weir_http_request_seconds_count{listener="edge",route="/edge/v1/usage",status="2xx"} 1`,
		`weir_graphql_operation_seconds_count{outcome="ok",type="query"} 1`,
		`weir_graphql_operation_seconds_count{outcome="error",type="query"} 1`,
		`weir_edge_batches_total{outcome="ok"} 1`,
		"\nweir_live_subscriptions 0\n", "\nweir_policy_version ", "\nweir_snapshot_version ", "\nweir_database_connections ", "\nweir_stream_batches ", "\ngo_goroutines ",
	} {
		if !strings.Contains(got.Body, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(got.Body, "path-of-a-caller") {
		t.Error("a caller's path is a label")
	}
	if t.Failed() {
		t.Log(got.Body)
	}
	if other := p.send("GET", "http://"+p.MetricsAddr()+"/graphql", ""); other.Status != http.StatusNotFound {
		t.Errorf("the metrics' listener answers other paths: %d", other.Status)
	}
	if public := p.send("GET", p.http("/metrics"), ""); strings.Contains(public.Body, "weir_http_request") {
		t.Error("the public listener shows metrics")
	}
}

func TestTheDocumentsNameEachMetric(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	p := openOn(t, databases.New(t), func(config *app.Config) { config.MetricsAddr = "127.0.0.1:0" })
	p.must(`{accounts(first:1){nodes{id}}}`, &struct{}{})
	p.post(usageBatch(1, 7, 5, wire.Allowed))
	served := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# HELP (weir_\w+)`).FindAllStringSubmatch(p.send("GET", "http://"+p.MetricsAddr()+"/metrics", "").Body, -1) {
		served[m[1]] = true
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`(weir_\\w+)`").FindAllStringSubmatch(string(text), -1) {
		named[m[1]] = true
	}
	// A histogram shows once it has seen something.
	for name := range named {
		if !served[name] && !strings.HasPrefix(name, "weir_rollup_") {
			t.Errorf("%s is in the document, and isn't served", name)
		}
	}
	for name := range served {
		if !named[name] {
			t.Errorf("%s is served, and isn't in the document", name)
		}
	}
}
