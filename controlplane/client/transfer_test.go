package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirhq/weir/controlplane/client"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// table has rows of different lengths.
func table(seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, 0))
	var text bytes.Buffer
	for row := range 500 {
		fmt.Fprintf(&text, "%d,%s\n", row, strings.Repeat("x", random.IntN(60)))
	}
	return text.Bytes()
}

// breaking answers with what tables has, one for each request, and breaks each off at
// its place in cuts; those beyond are whole. The last table is answered again and again.
type breaking struct {
	tables [][]byte
	cuts   []int

	mu    sync.Mutex
	asked int
}

func (b *breaking) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.tables[min(b.asked, len(b.tables)-1)]
	b.asked++
	w.Header().Set("Trailer", "Weir-Rows")
	if b.asked <= len(b.cuts) {
		w.Write(text[:b.cuts[b.asked-1]])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	w.Write(text)
	w.Header().Set("Weir-Rows", fmt.Sprint(bytes.Count(text, []byte("\n"))))
}

// download downloads into a file of memory; one that can't restart is a pipe.
func (b *breaking) download(t *testing.T, pipe bool) (text []byte, rows int64, err error) {
	t.Helper()
	server := httptest.NewServer(b)
	defer server.Close()
	var file bytes.Buffer
	sink := client.Sink{Writer: &file, Restart: func() error { file.Reset(); return nil }}
	if pipe {
		sink.Restart = nil
	}
	rows, err = new(script).client(t, server.URL, "").Download(t.Context(), "/api/v1/usage.csv", url.Values{}, sink)
	return file.Bytes(), rows, err
}

func TestADownloadGoesOnWhereItBrokeOff(t *testing.T) {
	for seed := range uint64(20) {
		random, text := rand.New(rand.NewPCG(seed, 1)), table(seed)
		b := &breaking{tables: [][]byte{text}}
		for range random.IntN(4) {
			b.cuts = append(b.cuts, random.IntN(len(text)+1))
		}
		for _, pipe := range []bool{false, true} {
			b.asked = 0
			if got, rows, err := b.download(t, pipe); !bytes.Equal(got, text) || rows != 500 || err != nil || b.asked != len(b.cuts)+1 {
				t.Errorf("seed %d, cut at %v: %d bytes instead of %d, %d rows, %d answers, %v", seed, b.cuts, len(got), len(text), rows, b.asked, err)
			}
		}
	}
	t.Run("however often, as long as it comes further", func(t *testing.T) {
		b := &breaking{tables: [][]byte{table(0)}}
		for cut := range 10 {
			b.cuts = append(b.cuts, 100*cut+1)
		}
		if got, _, err := b.download(t, true); !bytes.Equal(got, b.tables[0]) || err != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
	t.Run("but not for ever", func(t *testing.T) {
		b := &breaking{tables: [][]byte{table(0)}, cuts: append([]int{100, 100, 90}, slices.Repeat([]int{100}, 97)...)}
		server, s := httptest.NewServer(b), new(script)
		defer server.Close()
		var got bytes.Buffer
		_, err := s.client(t, server.URL, "").Download(t.Context(), "/api/v1/usage.csv", url.Values{}, client.Sink{Writer: &got})
		if !bytes.Equal(got.Bytes(), b.tables[0][:100]) || err == nil || !strings.HasPrefix(err.Error(), "the answer was cut off: ") || !strings.Contains(err.Error(), "for 1m0s and came no further") {
			t.Errorf("%d bytes after %d answers, %v", got.Len(), b.asked, err)
		}
		var waited time.Duration
		for i, r := range s.told {
			if !r.Transfer || r.Bytes != 100 || r.Left != time.Minute-waited || r.Wait != s.waits[i] {
				t.Errorf("told %+v after %s", r, waited)
			}
			waited += s.waits[i]
		}
		if waited != time.Minute || b.asked != len(s.waits)+1 {
			t.Errorf("gave up after %s and %d answers", waited, b.asked)
		}
	})
	t.Run("and ends when nobody waits any more", func(t *testing.T) {
		server := httptest.NewServer(&breaking{tables: [][]byte{table(0)}, cuts: slices.Repeat([]int{100}, 100)})
		defer server.Close()
		ctx, interrupt := context.WithCancel(t.Context())
		c, err := client.New(client.Config{
			URL: server.URL, Token: "wt_a_token", Timeout: time.Minute, Now: func() time.Time { return noon }, Random: func() float64 { return 1 },
			Retrying: func(client.Retry) { interrupt() },
			Wait:     func(ctx context.Context, _ time.Duration) error { return client.Sleep(ctx, time.Hour) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Download(ctx, "/api/v1/usage.csv", url.Values{}, client.Sink{Writer: io.Discard}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Run("also when nothing takes what it asks", func(t *testing.T) {
		silent, err := net.Listen("tcp", "127.0.0.1:0") // and no TLS ever begins
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		s := &script{timeout: time.Millisecond}
		_, err = s.client(t, "https://"+silent.Addr().String(), "").Download(t.Context(), "/api/v1/usage.csv", url.Values{}, client.Sink{Writer: io.Discard})
		if err == nil || !strings.Contains(err.Error(), "for 1m0s and came no further") || len(s.waits) < 4 {
			t.Errorf("%v after %v", err, s.waits)
		}
	})
	t.Run("and begins anew when the answer has become another", func(t *testing.T) {
		for name, changed := range map[string][]byte{"other": table(1), "shorter": table(0)[:50], "empty": {}} {
			b := &breaking{tables: [][]byte{table(0), changed}, cuts: []int{200}}
			if got, _, err := b.download(t, false); !bytes.Equal(got, changed) || err != nil || b.asked != 3 {
				t.Errorf("%s: %d bytes after %d answers, %v", name, len(got), b.asked, err)
			}
		}
	})
	t.Run("or fails where what was written can't be taken back", func(t *testing.T) {
		b := &breaking{tables: [][]byte{table(0), table(1)}, cuts: []int{200}}
		if got, _, err := b.download(t, true); !bytes.Equal(got, b.tables[0][:200]) || err == nil || !strings.Contains(err.Error(), "is not how it begins now") || b.asked != 2 {
			t.Errorf("%d bytes after %d answers, %v", len(got), b.asked, err)
		}
	})
	t.Run("unless it never began", func(t *testing.T) {
		var asked atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			<-r.Context().Done() // the client has gone
		}))
		defer server.Close()
		_, err := (&script{timeout: time.Millisecond}).client(t, server.URL, "").Download(t.Context(), "/api/v1/usage.csv", url.Values{}, client.Sink{Writer: io.Discard})
		if err == nil || !strings.Contains(err.Error(), "give it longer with --timeout") {
			t.Error(err)
		}
		server.Close() // waits for the handler
		if n := asked.Load(); n > 1 {
			t.Errorf("asked %d times", n)
		}
	})
	t.Run("unless nobody takes it", func(t *testing.T) {
		b := &breaking{tables: [][]byte{table(0)}}
		server := httptest.NewServer(b)
		defer server.Close()
		_, err := new(script).client(t, server.URL, "").Download(t.Context(), "/api/v1/usage.csv", url.Values{}, client.Sink{Writer: full{}})
		server.Close() // waits for the handler
		if !errors.Is(err, errFull) || b.asked != 1 {
			t.Errorf("%v after %d answers", err, b.asked)
		}
	})
}

var errFull = errors.New("no space left")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
