package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/graph"
	"github.com/weirhq/weir/graph/generated"
	"github.com/weirhq/weir/plugin/wire"
)

// leaks are what an answer never holds: parts of programs, of SQL and of what
// others are to know.
var leaks = regexp.MustCompile(`goroutine \d|\.go:\d|runtime error|SQLSTATE|pgx|pgconn|nats:|postgres://|` + nodeToken)

// TestHostileRequestsGetClearErrors sends WEIR_HOSTILE_REQUESTS requests, 1,000 by
// default, with much that is wrong, to all listeners: every field of the API with
// arguments out of a poisoned well, and valid requests with something spoilt. None
// is answered as if the fault were ours, and none is told how the answer was made.
func TestHostileRequestsGetClearErrors(t *testing.T) {
	requests, seed := setting(t, "WEIR_HOSTILE_REQUESTS", 1_000), setting(t, "WEIR_HOSTILE_SEED", 1)
	var log lockedBuffer
	p := openOn(t, databases.New(t), func(c *app.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
		c.MetricsAddr = "127.0.0.1:0"
	})
	tier, limit, account, key := p.tierWithAccount()
	h := &hostile{
		rand: rand.New(rand.NewPCG(uint64(seed), 0)), schema: generated.NewExecutableSchema(generated.Config{Resolvers: &graph.Resolver{}}).Schema(),
		ids: []string{tier, limit, account, key},
	}
	statuses := map[int]int{}
	for i := range requests {
		r := h.request(t, p)
		got := p.send(r.method, r.url, r.body, r.headers...)
		statuses[got.Status]++
		switch leaked := leaks.FindString(got.Body); {
		case got.Status >= 500, strings.Contains(got.Body, `"INTERNAL"`):
			t.Errorf("request %d of seed %d is our fault: %d %.300s\n%s", i, seed, got.Status, got.Body, r)
		case leaked != "":
			t.Errorf("request %d of seed %d is told %q: %.300s\n%s", i, seed, leaked, got.Body, r)
		case got.Status >= 400 && len(got.Body) == 0 && r.method != http.MethodHead:
			t.Errorf("request %d of seed %d is refused without a word: %d\n%s", i, seed, got.Status, r)
		}
		if t.Failed() {
			break
		}
	}
	t.Logf("answers by status: %v", statuses)
	if text := log.String(); text != "" {
		t.Errorf("the log has errors:\n%.2000s", text)
	}
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s: give a positive number", name, text)
	}
	return n
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// hostile makes requests.
type hostile struct {
	rand   *rand.Rand
	schema *ast.Schema
	ids    []string // of what there is
}

type hostileRequest struct {
	method, url, body string
	headers           []string
}

func (r hostileRequest) String() string {
	return fmt.Sprintf("%s %s %q\n%.2000q", r.method, r.url, r.headers, r.body)
}

func pick[T any](h *hostile, from []T) T { return from[h.rand.IntN(len(from))] }

var (
	hostileTexts = []string{
		"", " ", "x", "\x00", "a\x00b", "\xff\xfe", "\u202e", "’; drop table accounts; --", "' or 1=1", "%s%n", "../../etc/passwd", "<script>alert(1)</script>",
		"{{7*7}}", "null", "-1", "1e999", "NaN", strings.Repeat("a", 300), strings.Repeat("é", 5000), "acc_0", "acc_-1", "acc_9223372036854775807",
		"acc_99999999999999999999", "key_1", "tier_1", "ACC_1", "2026-02-30T00:00:00Z", "GET /v1/{a}/{a}", "/", "//", "http://127.0.0.1:1/", "Europe/Berlin",
		"Mars/Phobos", "Local", "a@b", "A@B.example", "::1", "\r\nX-Injected: 1", "0", "true",
	}
	hostileNumbers = []string{"0", "-1", "1", "2", "59", "100", "101", "1000000000", "2147483647", "-2147483648", "2147483648", "9223372036854775807", "9223372036854775808", "1e3", "0.5", "1e400"}
	hostileTimes   = []string{
		"2026-11-21T00:00:00Z", "2026-11-20T23:59:59.999999999Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59+14:00",
		"2026-11-21", "10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "2026-03-29T02:30:00+01:00", "",
	}
)

// request makes one: half of them GraphQL of the schema's own, the others spoilt.
func (h *hostile) request(t *testing.T, p *plane) hostileRequest {
	bearer := []string{"Authorization", "Bearer " + p.token}
	if h.rand.IntN(2) == 0 {
		body, err := json.Marshal(map[string]any{"query": h.operation()})
		if err != nil {
			t.Fatal(err)
		}
		return hostileRequest{"POST", p.http("/graphql"), string(body), append(bearer, "Content-Type", "application/json")}
	}
	batch, err := wire.EncodeBatch(nil, usageBatch(1, 7, 5, wire.Allowed))
	if err != nil {
		t.Fatal(err)
	}
	node := []string{"Authorization", "Bearer " + nodeToken}
	r := pick(h, []hostileRequest{
		{"POST", p.http("/graphql"), `{"query":"query A($n:Int!){accounts(first:$n){nodes{id name}}}","variables":{"n":3},"operationName":"A"}`, append(bearer, "Content-Type", "application/json")},
		{"GET", p.http("/graphql?query=" + url.QueryEscape("{viewer{kind}}")), "", bearer},
		{"POST", p.http("/auth/sign-in"), `{"token":"abc","email":"a@b.example","password":"correct horse"}`, []string{"Content-Type", "application/json"}},
		{"GET", p.http("/api/v1/usage.csv?from=2026-11-20T00:00:00Z&to=2026-11-21T00:00:00Z&granularity=HOUR&groupBy=ACCOUNT,STATUS&timeZone=UTC"), "", bearer},
		{"GET", p.http("/api/v1/audit.ndjson?from=2026-11-20T00:00:00Z"), "", bearer},
		{"POST", p.http("/api/v1/usage/imports?reason=r"), "id,account,at,requests\nrow-1," + h.ids[2] + ",2026-11-20T10:00:00Z,5\n", append(bearer, "Content-Type", "text/csv")},
		{"POST", p.http("/api/v1/usage/imports?reason=r"), `{"id":"a","account":"` + h.ids[2] + `","at":"2026-11-20T10:00:00Z","requests":5}` + "\n", append(bearer, "Content-Type", "application/x-ndjson")},
		{"GET", p.http("/accounts/" + h.ids[2]), "", nil},
		{"GET", p.http("/assets/app.js"), "", nil},
		{"POST", p.edge("/edge/v1/usage"), string(batch), node},
		{"GET", p.edge("/edge/v1/snapshot?have=0&process=0123456789abcdef0123456789abcdef"), "", node},
		{"POST", p.edge("/edge/v1/leases"), "\x01\x02\x03", node},
		{"GET", "http://" + p.MetricsAddr() + "/metrics", "", nil},
	})
	return h.spoil(r)
}

// spoil changes some of a request.
func (h *hostile) spoil(r hostileRequest) hostileRequest {
	for range 1 + h.rand.IntN(3) {
		switch h.rand.IntN(6) {
		case 0:
			r.method = pick(h, []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "PROPFIND"})
		case 1:
			r.headers = append(slices.Clone(r.headers), pick(h, []string{"Content-Type", "Accept", "Accept-Encoding", "Authorization", "Origin", "Cookie", "Content-Encoding", "Upgrade", "X-Request-Id", "Traceparent", "Range", "If-None-Match"}),
				pick(h, []string{"", "text/html", "application/json; charset=utf-16", "*/*;q=x", "weir_session=zzz", "gzip", "websocket", "bytes=0-1,5-2", "Bearer", "https://evil.example", "null", strings.Repeat("x", 9000)}))
		case 2:
			base, query, _ := strings.Cut(r.url, "?")
			values, err := url.ParseQuery(query)
			if err != nil {
				break
			}
			for name := range values {
				if h.rand.IntN(2) == 0 {
					values.Set(name, pick(h, append(append(hostileTexts, hostileTimes...), hostileNumbers...)))
				}
			}
			r.url = base + "?" + values.Encode()
		default:
			r.body = h.bend(r.body)
		}
	}
	return r
}

// bend changes a few bytes of a text.
func (h *hostile) bend(text string) string {
	at := h.rand.IntN(len(text) + 1)
	end := min(len(text), at+h.rand.IntN(9))
	switch h.rand.IntN(4) {
	case 0:
		return text[:at] + text[end:]
	case 1:
		return text[:at] + text[at:end] + text[at:]
	case 2:
		return text[:at] + pick(h, append(hostileTexts, hostileNumbers...)) + text[end:]
	default:
		return text[:at] + string([]byte{byte(h.rand.IntN(256))}) + text[end:]
	}
}

// operation is a query or mutation of one field at the root.
func (h *hostile) operation() string {
	root, kind := h.schema.Query, "query"
	if h.rand.IntN(2) == 0 {
		root, kind = h.schema.Mutation, "mutation"
	}
	field := pick(h, root.Fields)
	return kind + "{" + h.field(field, 3) + "}"
}

func (h *hostile) field(f *ast.FieldDefinition, depth int) string {
	var args []string
	for _, a := range f.Arguments {
		if a.Type.NonNull && a.DefaultValue == nil || h.rand.IntN(2) == 0 {
			args = append(args, a.Name+":"+h.value(a.Type, 4))
		}
	}
	text := f.Name
	if len(args) > 0 {
		text += "(" + strings.Join(args, ",") + ")"
	}
	return text + h.selection(h.schema.Types[f.Type.Name()], depth)
}

// selection selects the leaves of a type, and some of what has its own.
func (h *hostile) selection(of *ast.Definition, depth int) string {
	if of.IsLeafType() {
		return ""
	}
	if of.IsAbstractType() {
		return "{__typename}"
	}
	parts := []string{"__typename"}
	for _, f := range of.Fields {
		leaf := h.schema.Types[f.Type.Name()].IsLeafType()
		if strings.HasPrefix(f.Name, "__") || !leaf && (depth == 0 || h.rand.IntN(3) > 0) {
			continue
		}
		parts = append(parts, h.field(f, depth-1))
	}
	return "{" + strings.Join(parts, " ") + "}"
}

func (h *hostile) value(of *ast.Type, depth int) string {
	if !of.NonNull && h.rand.IntN(8) == 0 {
		return "null"
	}
	if of.Elem != nil {
		var items []string
		for range h.rand.IntN(4) {
			items = append(items, h.value(of.Elem, depth-1))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	def := h.schema.Types[of.NamedType]
	switch def.Kind {
	case ast.Enum:
		return pick(h, def.EnumValues).Name
	case ast.InputObject:
		return h.input(def, depth)
	}
	switch of.NamedType {
	case "Int", "Int64", "Float":
		return pick(h, hostileNumbers)
	case "Boolean":
		return pick(h, []string{"true", "false"})
	case "Time":
		return strconv.Quote(pick(h, hostileTimes))
	}
	text, err := json.Marshal(pick(h, append(slices.Clone(h.ids), hostileTexts...)))
	if err != nil {
		return `""`
	}
	return string(text)
}

func (h *hostile) input(def *ast.Definition, depth int) string {
	var fields []string
	for _, f := range def.Fields {
		if f.Type.NonNull && f.DefaultValue == nil || depth > 0 && h.rand.IntN(2) == 0 {
			fields = append(fields, f.Name+":"+h.value(f.Type, depth-1))
		}
	}
	return "{" + strings.Join(fields, ",") + "}"
}
