package demo_test

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/demo"
	"github.com/weirhq/weir/controlplane/embedded/pgtest"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/plugin/book"
)

var databases = pgtest.Databases{Migrate: pgtest.Migrate}

func TestMain(m *testing.M) { os.Exit(databases.Run(m)) }

func seeded(t *testing.T) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), databases.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if err := demo.Seed(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	return db
}

// policy reads the policy in an order that is always the same.
func policy(t *testing.T, db *postgres.DB) book.Policy {
	t.Helper()
	p, err := db.Policy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(p.Plans, func(a, b book.Plan) int { return int(a.ID) - int(b.ID) })
	slices.SortFunc(p.Keys, func(a, b book.Key) int { return int(a.ID) - int(b.ID) })
	return p
}

func TestSeed(t *testing.T) {
	t.Run("makes three tiers with an account and a key each, and one for addresses", func(t *testing.T) {
		p := policy(t, seeded(t))
		first := map[string]uint64{}
		for _, plan := range p.Plans {
			if plan.ID == plan.Tier {
				first[plan.Name] = plan.Limits[0].Amount
			}
		}
		want := map[string]uint64{"Default": 100, "Basic": 100, "Professional": 1000, "Enterprise": 10_000, "Anonymous": 30}
		if diff := cmp.Diff(want, first); diff != "" {
			t.Error(diff)
		}
		// One account has an override, and so a plan of its own; two are on the plans of
		// versions, which accounts share that are on them.
		if len(p.Plans) != 8 || len(p.Keys) != 4 || p.Anonymous == 0 {
			t.Errorf("%d plans, %d keys, anonymous %d", len(p.Plans), len(p.Keys), p.Anonymous)
		}
		if _, err := book.Compile(p, nil); err != nil {
			t.Error(err)
		}
	})
	t.Run("shows every kind of limit", func(t *testing.T) {
		var limits []book.Limit
		for _, plan := range policy(t, seeded(t)).Plans {
			limits = append(limits, plan.Limits...)
		}
		for name, is := range map[string]func(book.Limit) bool{
			"a shadow window":      func(l book.Limit) bool { return l.Kind == book.Window && l.Mode == book.Shadow },
			"a window on a group":  func(l book.Limit) bool { return l.Kind == book.Window && l.Selector == book.OneGroup },
			"a monthly quota":      func(l book.Limit) bool { return l.QuotaPeriod == book.Month },
			"a limit of bytes":     func(l book.Limit) bool { return l.Measure == book.Bytes },
			"a soft limit":         func(l book.Limit) bool { return l.Mode == book.Soft },
			"a limit of addresses": func(l book.Limit) bool { return l.Subject == book.PerAddress },
			"an adaptive limit":    func(l book.Limit) bool { return l.Adaptive != book.Adaptive{} },
		} {
			if !slices.ContainsFunc(limits, is) {
				t.Errorf("there is no limit that is %s", name)
			}
		}
	})
	t.Run("changes nothing the second time", func(t *testing.T) {
		db := seeded(t)
		before := policy(t, db)
		if err := demo.Seed(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, policy(t, db)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("leaves edits alone", func(t *testing.T) {
		db := seeded(t)
		p := policy(t, db)
		limits := []controlplane.Limit{}
		plan := slices.IndexFunc(p.Plans, func(plan book.Plan) bool { return plan.ID == p.Keys[0].Plan })
		if _, _, err := db.UpdateTier(t.Context(), controlplane.TierEdit{ID: controlplane.ID(p.Plans[plan].Tier), Limits: &limits}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := db.RevokeKey(t.Context(), controlplane.ID(p.Keys[0].ID)); err != nil {
			t.Fatal(err)
		}
		none := controlplane.ID(0)
		if _, _, err := db.SetDefaults(t.Context(), controlplane.DefaultsEdit{AnonymousID: &none}); err != nil {
			t.Fatal(err)
		}
		name := "Renamed"
		if _, _, err := db.UpdateAccount(t.Context(), controlplane.AccountEdit{ID: controlplane.ID(p.Keys[1].Account), Name: &name}); err != nil {
			t.Fatal(err)
		}
		edited := policy(t, db)
		if err := demo.Seed(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(edited, policy(t, db)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestUpstream(t *testing.T) {
	server := httptest.NewServer(demo.Upstream())
	defer server.Close()
	ask := func(t *testing.T, method, path string, headers ...string) (int, string) {
		t.Helper()
		r, err := http.NewRequest(method, server.URL+path, strings.NewReader("four"))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}

	t.Run("echoes what it got", func(t *testing.T) {
		status, body := ask(t, "PUT", "/any/path?a=1&a=2", "x-weir-account", "acc_1")
		var echo struct {
			Method, Path string
			Query        map[string][]string
			Headers      map[string][]string
			BodyBytes    int `json:"body_bytes"`
		}
		if err := json.Unmarshal([]byte(body), &echo); err != nil {
			t.Fatal(err)
		}
		if status != 200 || echo.Method != "PUT" || echo.Path != "/any/path" || echo.BodyBytes != 4 ||
			len(echo.Query["a"]) != 2 || echo.Headers["X-Weir-Account"][0] != "acc_1" {
			t.Errorf("%d %+v", status, echo)
		}
	})
	t.Run("answers as asked", func(t *testing.T) {
		if status, body := ask(t, "GET", "/?status=503&size=10000&delay=1ms"); status != 503 || len(body) != 10_000 {
			t.Errorf("%d with %d bytes", status, len(body))
		}
		if status, body := ask(t, "GET", "/", "x-demo-status", "404", "x-demo-size", "0"); status != 404 || body != "" {
			t.Errorf("%d with %d bytes", status, len(body))
		}
		if status, _ := ask(t, "GET", "/?status=204"); status != 204 {
			t.Error(status)
		}
	})
	t.Run("refuses what is out of bounds, by name", func(t *testing.T) {
		for _, query := range []string{"status=99", "delay=11s", "delay=-1s", "size=10485761", "size=x"} {
			status, body := ask(t, "GET", "/?"+query)
			field, _, _ := strings.Cut(query, "=")
			if status != 400 || !strings.HasPrefix(body, field+": give") {
				t.Errorf("%s: %d %s", query, status, body)
			}
		}
	})
}

func TestDrive(t *testing.T) {
	t.Run("calls as every caller and counts the answers", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var mu sync.Mutex
		seen := map[string]int{}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			seen[r.Header.Get("x-api-key")]++
			if len(seen) == 4 {
				cancel()
			}
			w.WriteHeader(http.StatusTeapot)
		}))
		defer server.Close()
		tally, err := demo.Drive(ctx, demo.Traffic{Gateway: server.URL, For: time.Minute, Rand: rand.New(rand.NewPCG(1, 2))})
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, key := range []string{demo.BasicKey, demo.ProfessionalKey, demo.EnterpriseKey} {
			if tally[key][http.StatusTeapot] != seen[key] || seen[key] == 0 {
				t.Errorf("%s: sent %d, counted %v", key, seen[key], tally[key])
			}
		}
	})
	t.Run("refuses what is not on this machine", func(t *testing.T) {
		for _, gateway := range []string{"http://192.0.2.1:80", "http://example.com", "https://127.0.0.1", "127.0.0.1:80", ""} {
			if _, err := demo.Drive(t.Context(), demo.Traffic{Gateway: gateway, For: time.Second}); err == nil {
				t.Errorf("it went to %q", gateway)
			}
		}
	})
	t.Run("refuses to run without end", func(t *testing.T) {
		if _, err := demo.Drive(t.Context(), demo.Traffic{Gateway: "http://127.0.0.1:1", For: 2 * time.Hour}); err == nil {
			t.Error("it ran")
		}
	})
}
