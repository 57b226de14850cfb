package cli_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

func TestUsageOnTheCommandLine(t *testing.T) {
	p := open(t)
	p.must("accounts", "create", "Birch")
	p.must("accounts", "create", "Elm")
	p.now = time.Now().UTC().Truncate(24 * time.Hour)
	minute := p.now.Add(-20*time.Hour).Unix() / 60
	p.count(
		wire.Entry{EntryKey: wire.EntryKey{Minute: minute, Account: 1, Status: 200, Decision: wire.Allowed}, Requests: 1_234_567, Cost: 2_000_000, BytesOut: 9},
		wire.Entry{EntryKey: wire.EntryKey{Minute: minute + 60, Account: 1, Status: 429, Decision: wire.Throttled}, Requests: 12},
		wire.Entry{EntryKey: wire.EntryKey{Minute: minute, Account: 2, Status: 200, Decision: wire.Allowed}, Requests: 5},
	)
	day := p.now.Add(-24 * time.Hour).Format(time.DateOnly)
	golden(t, "usage.txt", strings.Join([]string{
		p.must("usage"), p.must("usage", "--group", "account,decision"), p.must("usage", "--from", day, "--by", "hour", "--account", "Birch", "--to", day+"T06:00:00Z"),
		p.must("usage", "--last", "1d", "--by", "day", "--group", "account", "--top", "1"),
	}, "\n"))

	t.Run("as JSON", func(t *testing.T) {
		type row struct {
			At                                                                     *time.Time
			Group                                                                  string
			Values                                                                 []string
			Requests, Allowed, Throttled, Refused, Errors, Cost, BytesIn, BytesOut int64
		}
		rows := decoded[[]row](t, p.must("usage", "--group", "account", "-o", "json"))
		if len(rows) != 2 || rows[0].Requests != 1_234_579 || rows[0].Values[0] != "acc_1" || rows[1].Group != "Elm" {
			t.Errorf("%+v", rows)
		}
	})
	t.Run("says what is wrong", func(t *testing.T) {
		p.refused(2, "--last: \"soon\" is no length", "usage", "--last", "soon")
		p.refused(2, "--from: \"noon\" is no time", "usage", "--from", "noon")
		p.refused(2, "--time-zone", "usage", "--time-zone", "Nowhere")
		p.refused(1, `there is no account "Oak"`, "usage", "--account", "Oak")
		p.refused(1, `there is no endpoint "GET /nothing"`, "usage", "--endpoint", "GET /nothing")
		p.refused(1, "weir: --from: ", "usage", "--from", "2020-01-01", "--by", "minute")
	})
	t.Run("is exported whole or not at all", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "usage.csv")
		got := p.weir("export", "--by", "hour", "--group", "account", "--out", file)
		text, err := os.ReadFile(file)
		if err != nil || got.Code != 0 || strings.Count(string(text), "\n") != 4 || !strings.HasPrefix(got.Err, "3 rows, ") {
			t.Errorf("%+v %v %s", got, err, text)
		}
		if strings.Contains(got.Err, "\r") {
			t.Errorf("tells of progress where nobody looks: %q", got.Err)
		}
		p.asked = true
		if got := p.weir("export", "--out", file); got.Code != 0 || !strings.HasPrefix(got.Err, "\r") || !strings.Contains(got.Err, "\r\x1b[K1 row, ") {
			t.Errorf("on a terminal: %+v", got)
		}
		if got := p.weir("export"); strings.Contains(got.Err, "\r") {
			t.Errorf("tells of progress between the rows: %q", got.Err)
		}
		p.asked = false
		if got := p.must("export", "--group", "account", "--format", "ndjson", "--account", "Elm"); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"requests":5`) {
			t.Error(got)
		}
		if got := p.must("export", "--format", "parquet"); !strings.HasPrefix(got, "PAR1") {
			t.Errorf("%q", got)
		}
		bad := filepath.Join(t.TempDir(), "bad.csv")
		p.refused(1, "nothing was written", "export", "--key", "acc_7", "--out", bad)
		if left, err := os.ReadDir(filepath.Dir(bad)); err != nil || len(left) > 0 {
			t.Errorf("an export that failed leaves %v, %v", left, err)
		}
	})
	t.Run("is exported over a line that breaks as over one that doesn't", func(t *testing.T) {
		export := func(format, url string) ([]byte, printed) {
			file := filepath.Join(t.TempDir(), "usage")
			got := p.weir("export", "--by", "minute", "--group", "account,decision", "--format", format, "--out", file, "--url", url)
			text, _ := os.ReadFile(file) // an export that broke off has none
			return text, got
		}
		line := &brokenLine{proxy: p.proxy(), random: rand.New(rand.NewPCG(1, 2))}
		server := line.serve(t)
		for _, format := range []string{"csv", "ndjson", "parquet"} {
			whole, _ := export(format, os.Getenv("WEIR_URL"))
			for _, breaks := range []int{1, 3} {
				line.breakOff(breaks, len(whole))
				line.passed.Store(0)
				if text, got := export(format, server); !bytes.Equal(text, whole) || len(whole) == 0 || got.Code != 0 || strings.Count(got.Err, "asked again") != breaks {
					t.Errorf("%s, broken %d times: %+v\n%q\n%q", format, breaks, got, text, whole)
				}
				if passed := line.passed.Load(); passed != int64(len(whole)) {
					t.Errorf("%s, broken %d times: %d bytes came instead of %d", format, breaks, passed, len(whole))
				}
			}
		}
		dir := t.TempDir()
		file := filepath.Join(dir, "usage.csv")
		p.asked = true
		line.breakOff(2, 1)
		if got := p.weir("export", "--out", file, "--url", server); got.Code != 0 || !strings.Contains(got.Err, "\r\x1b[Kthe connection broke at 1 byte; trying again for another 60 s \r\x1b[K") {
			t.Errorf("on a terminal: %+v", got)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		p.asked = false
		line.breakOff(100, 1)
		p.refused(1, "what came is not whole; it is in "+file+".", "export", "--out", file, "--url", server)
		if _, err := os.Stat(file); err == nil {
			t.Error("an export that was cut off looks whole")
		}
		p.refused(1, "is a directory; give the name of a file", "export", "--out", dir)
	})
	t.Run("takes the place of no pipe and of no link", func(t *testing.T) {
		dir := t.TempDir()
		pipe, link, target := filepath.Join(dir, "pipe"), filepath.Join(dir, "link"), filepath.Join(dir, "usage.csv")
		if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.WriteFile(target, nil, 0o600), os.Symlink(target, link)); err != nil {
			t.Fatal(err)
		}
		read := make(chan []byte)
		go func() {
			text, _ := os.ReadFile(pipe) // what there is of it
			read <- text
		}()
		p.must("export", "--out", pipe)
		p.must("export", "--out", link)
		through, err := os.ReadFile(target)
		if text := <-read; err != nil || len(text) == 0 || !bytes.Equal(text, through) {
			t.Errorf("the pipe got %q, the link's file %q, %v", text, through, err)
		}
		for name, is := range map[string]os.FileMode{pipe: os.ModeNamedPipe, link: os.ModeSymlink} {
			if info, err := os.Lstat(name); err != nil || info.Mode()&is == 0 {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
	})
	t.Run("is imported once", func(t *testing.T) {
		at := p.now.Add(-time.Hour).Format(time.RFC3339)
		p.in = "client_id,at,account,requests\nr-1," + at + ",acc_2,7\nr-2," + at + ",acc_2,8\n"
		if got := p.must("import", "-", "--format", "csv", "--reason", "from the old meter"); got != "new           2\ntaken before  0\nfailed        0\n" {
			t.Error(got)
		}
		if got := p.must("import", "-", "--format", "csv", "--reason", "from the old meter"); got != "new           0\ntaken before  2\nfailed        0\n" {
			t.Error(got)
		}
		p.in += "r-3," + at + ",acc_99,1\n"
		p.refused(1, "line 4: account: ", "import", "-", "--format", "csv", "--reason", "from the old meter")
		p.refused(2, "give --format", "import", "-", "--reason", "x")
	})
}

// brokenLine passes answers on and breaks them off somewhere in their first bytes.
type brokenLine struct {
	proxy *httputil.ReverseProxy

	mu           sync.Mutex
	random       *rand.Rand
	breaks, size int

	passed atomic.Int64 // bytes of answers
}

// breakOff has so many answers broken off, all of them in so many first bytes.
func (l *brokenLine) breakOff(answers, size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.breaks, l.size = answers, size
}

func (l *brokenLine) serve(t *testing.T) (url string) {
	l.proxy.FlushInterval = -1
	l.proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	l.proxy.ModifyResponse = func(answer *http.Response) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		left := math.MaxInt
		if l.breaks > 0 {
			l.breaks--
			left = min(l.size, 1+l.random.IntN(l.size+1))
			l.size -= left
		}
		answer.Body = &brokenBody{answer.Body, left, &l.passed}
		return nil
	}
	server := httptest.NewServer(l.proxy)
	t.Cleanup(server.Close)
	return server.URL
}

// brokenBody breaks after some bytes.
type brokenBody struct {
	io.ReadCloser
	left   int
	passed *atomic.Int64
}

func (b *brokenBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errors.New("the line is broken")
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	b.passed.Add(int64(n))
	return n, err
}
