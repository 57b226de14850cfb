package filter_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

// fakeEdge is an edge that holds its policy and its usage in memory. It keeps a
// long poll until there is something newer, as the real one does.
type fakeEdge struct {
	*testing.T
	address string

	mu        sync.Mutex
	changes   book.Changes
	full      int           // polls that were answered with all of the policy
	spoils    bool          // what it sends is damaged
	changed   chan struct{} // closed when the policy changes
	batches   map[wire.SourceID]map[uint64][]byte
	running   map[wire.SourceID]uint64 // policy of each worker
	ledger    ledger
	announced map[uint64]time.Time // when the first worker ran a version
	server    *http.Server
}

func newFakeEdge(t *testing.T) *fakeEdge {
	t.Helper()
	e := &fakeEdge{
		T: t, changed: make(chan struct{}), batches: map[wire.SourceID]map[uint64][]byte{},
		running: map[wire.SourceID]uint64{}, announced: map[uint64]time.Time{},
	}
	e.start("127.0.0.1:0")
	t.Cleanup(e.stop)
	return e
}

func (e *fakeEdge) start(address string) {
	e.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		e.Fatal(err)
	}
	e.address = l.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /edge/v1/snapshot", e.serveSnapshot)
	mux.HandleFunc("POST /edge/v1/usage", e.serveUsage)
	mux.HandleFunc("POST /edge/v1/leases", e.serveLeases)
	e.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+nodeToken {
			e.Errorf("%s %s without the node token", r.Method, r.URL.Path)
		}
		mux.ServeHTTP(w, r)
	})}
	go e.server.Serve(l)
}

// stop ends the edge as a crash does: connections break, nothing is answered.
func (e *fakeEdge) stop() { e.server.Close() }

func (e *fakeEdge) serveSnapshot(w http.ResponseWriter, r *http.Request) {
	have, err := strconv.ParseUint(r.URL.Query().Get("have"), 10, 64)
	if err != nil {
		e.Errorf("have: %v", err)
	}
	for {
		e.mu.Lock()
		body, changed := e.since(have), e.changed
		e.mu.Unlock()
		if body != nil {
			w.Header().Set("Content-Type", "application/vnd.weir.snapshot")
			w.Write(body)
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-time.After(25 * time.Second):
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
}

// since returns what is newer than a version, nil for nothing.
func (e *fakeEdge) since(have uint64) []byte {
	latest := e.changes.Latest()
	if latest == nil || latest.Version <= have {
		return nil
	}
	u, ok := e.changes.Since(have)
	if !ok {
		u = latest.Update()
		e.full++
	}
	b, err := book.EncodeUpdate(nil, u)
	if err != nil {
		e.Errorf("update: %v", err)
	}
	if e.spoils {
		b[len(b)-20] ^= 1
	}
	return b
}

// spoil makes the edge send damaged updates, or stop that.
func (e *fakeEdge) spoil(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spoils = on
}

// verdicts adds up the verdicts of all batches.
func (e *fakeEdge) verdicts() map[wire.Verdict]uint64 {
	by := map[wire.Verdict]uint64{}
	e.each(func(b *wire.Batch) {
		for _, v := range b.Verdicts {
			by[v.Verdict] += v.Requests
		}
	})
	return by
}

// denied returns how many denials of an account were kept.
func (e *fakeEdge) denied(account uint64) (n int) {
	e.each(func(b *wire.Batch) {
		for _, d := range b.Denials {
			if d.Account == account && d.RequestID != "" {
				n++
			}
		}
	})
	return n
}

// each calls see for every batch, once.
func (e *fakeEdge) each(see func(*wire.Batch)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, kept := range e.batches {
		for sequence, body := range kept {
			if sequence == 0 {
				continue
			}
			b, err := wire.DecodeBatch(body)
			if err != nil {
				e.Fatal(err)
			}
			see(b)
		}
	}
}

func (e *fakeEdge) serveUsage(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the test has stopped the edge
	}
	b, err := wire.DecodeBatch(body)
	if err != nil {
		e.Errorf("batch: %v", err)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running[b.Source] = b.Snapshot
	if _, ok := e.announced[b.Snapshot]; !ok {
		e.announced[b.Snapshot] = time.Now()
	}
	kept := e.batches[b.Source]
	if kept == nil {
		kept = map[uint64][]byte{}
		e.batches[b.Source] = kept
	}
	if old, ok := kept[b.Sequence]; ok && b.Sequence != 0 && !bytes.Equal(old, body) {
		e.Errorf("batch %d of a source changed", b.Sequence)
	}
	kept[b.Sequence] = body
	receipt := wire.Receipt{}
	for kept[receipt.Committed+1] != nil {
		receipt.Committed++
	}
	receipt.Accepted = receipt.Committed
	w.Write(wire.EncodeReceipt(receipt))
}

// publish changes the policy. It returns when.
func (e *fakeEdge) publish(p book.Policy) time.Time {
	e.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	set, err := book.Compile(p, e.changes.Latest())
	if err != nil {
		e.Fatal(err)
	}
	e.changes.Add(set)
	close(e.changed)
	e.changed = make(chan struct{})
	return time.Now()
}

// total adds up all batches, each once.
func (e *fakeEdge) total() (requests uint64, byDecision map[wire.Decision]uint64) {
	byDecision = map[wire.Decision]uint64{}
	e.each(func(b *wire.Batch) {
		for _, entry := range b.Entries {
			requests += entry.Requests
			byDecision[entry.Decision] += entry.Requests
		}
	})
	return requests, byDecision
}

// on returns how many workers run a version.
func (e *fakeEdge) on(version uint64) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, v := range e.running {
		if v == version {
			n++
		}
	}
	return n
}
