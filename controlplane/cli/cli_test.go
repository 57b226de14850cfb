package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/app"
	"github.com/weirhq/weir/controlplane/cli"
	"github.com/weirhq/weir/controlplane/embedded/pgtest"
	"github.com/weirhq/weir/plugin/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

var databases = pgtest.Databases{Migrate: pgtest.Migrate}

func TestMain(m *testing.M) { os.Exit(databases.Run(m)) }

// commands are those of the weir command that are tested here.
type commands struct {
	cli.Commands
	Keys  cli.Keys  `cmd:""`
	Audit cli.Audit `cmd:""`
}

// plane is a running control plane, and a shell beside it.
type plane struct {
	*app.App
	t     *testing.T
	token string
	now   time.Time
	in    string
	asked bool // whether somebody can be asked
}

func open(t *testing.T) *plane {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{
		DatabaseURL: databases.New(t), StoreDir: t.TempDir(), HTTPAddr: "127.0.0.1:0", EdgeAddr: "127.0.0.1:0",
		PublicURL: "http://weir.example", NodeToken: "a-node-token-of-enough-characters-for-tests", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	secret := controlplane.NewSecret("")
	if err := a.DB().SetAPIToken(t.Context(), "tests", secret); err != nil {
		t.Fatal(err)
	}
	p := &plane{App: a, t: t, token: secret.Reveal(), now: time.Now()}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("WEIR_URL", "http://"+a.HTTPAddr())
	t.Setenv("WEIR_API_TOKEN", p.token)
	return p
}

type printed struct {
	Out, Err string
	Code     int
}

// weir runs the command with the standard input in p.in.
func (p *plane) weir(args ...string) printed {
	p.t.Helper()
	var out, errs bytes.Buffer
	var waited time.Duration
	code := cli.Run(p.t.Context(), &commands{}, args, &cli.Terminal{
		In: strings.NewReader(p.in), Out: &out, Err: &errs, Interactive: p.asked, Now: func() time.Time { return p.now.Add(waited) },
		Wait: func(ctx context.Context, d time.Duration) error {
			waited += d
			return ctx.Err()
		},
	})
	got := printed{out.String(), errs.String(), code}
	if strings.Contains(got.Out+got.Err, p.token) {
		p.t.Errorf("weir %s prints the API token", args[0])
	}
	return got
}

// must runs the command, which has to work, and returns its standard output.
func (p *plane) must(args ...string) string {
	p.t.Helper()
	got := p.weir(args...)
	if got.Code != 0 {
		p.t.Fatalf("weir %s: %d\n%s%s", strings.Join(args, " "), got.Code, got.Out, got.Err)
	}
	return got.Out
}

// refused runs the command, which has to end with the code and say the text.
func (p *plane) refused(code int, text string, args ...string) {
	p.t.Helper()
	got := p.weir(args...)
	if got.Code != code || !strings.Contains(got.Err, text) {
		p.t.Errorf("weir %s: %d\n%s%s\nwant %d and %q", strings.Join(args, " "), got.Code, got.Out, got.Err, code, text)
	}
}

// volatile is what differs from one test run to the next.
var volatile = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|wk_(live|test)_[0-9A-Za-z_]+`)

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	got = volatile.ReplaceAllStringFunc(got, func(s string) string { return strings.Repeat("*", len(s)) })
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got); -update writes it anew:\n%s", path, diff)
	}
}

func (p *plane) count(entries ...wire.Entry) {
	p.t.Helper()
	_, err := p.DB().CommitBatches(p.t.Context(), []*wire.Batch{{Source: wire.SourceID{1}, Sequence: 1, Node: "edge-1", Entries: entries}})
	if err != nil {
		p.t.Fatal(err)
	}
}

func decoded[T any](t *testing.T, text string) (value T) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Fatalf("%s: more follows", text)
	}
	return value
}
