package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// policy has one account with one key for each caller, all of a tier with three
// limits that are far away: what is measured is the decision, not the refusal.
func policy(callers int) wire.Policy {
	const plenty = 1_000_000_000
	p := wire.Policy{
		Version:   1,
		Endpoints: []wire.Endpoint{{ID: 1, Method: "GET", Template: "/v1/items", Cost: 1}},
		Tiers: []wire.Tier{{ID: 1, Name: "Professional", Limits: []wire.Limit{
			{ID: 1, Name: "per-second", Amount: plenty, PeriodSeconds: 1, Burst: plenty},
			{ID: 2, Name: "per-minute", Amount: plenty, PeriodSeconds: 60, Burst: plenty},
			{ID: 3, Name: "items-per-hour", Endpoint: 1, Amount: plenty, PeriodSeconds: 3600, Burst: plenty},
		}}},
	}
	for i := range callers {
		id := uint64(i + 1)
		p.Accounts = append(p.Accounts, wire.Account{ID: id, Tier: 1})
		p.Keys = append(p.Keys, wire.Key{ID: id, Account: id, Digest: sha256.Sum256([]byte(secret(i)))})
	}
	return p
}

// edgeServer stands in for the control plane's edge: it has one snapshot, and
// commits every batch at once. The real one would spend its database's CPU on
// the machine that is measured.
type edgeServer struct {
	address  string
	server   *http.Server
	snapshot []byte
	token    string

	mu        sync.Mutex
	fault     error
	committed map[wire.SourceID]uint64
	requests  uint64 // counted by the filter
}

func startEdge(callers int, token string) (*edgeServer, error) {
	compiled, err := wire.Compile(policy(callers))
	if err != nil {
		return nil, fmt.Errorf("compile the snapshot: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the edge: %w", err)
	}
	e := &edgeServer{address: l.Addr().String(), snapshot: compiled, token: token, committed: map[wire.SourceID]uint64{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /edge/v1/snapshot", e.serveSnapshot)
	mux.HandleFunc("POST /edge/v1/usage", e.serveUsage)
	e.server = &http.Server{Handler: mux}
	go e.server.Serve(l) // until close
	return e, nil
}

func (e *edgeServer) close() error { return e.server.Close() }

func (e *edgeServer) serveSnapshot(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("have") == "0" {
		w.Header().Set("Content-Length", strconv.Itoa(len(e.snapshot)))
		w.Write(e.snapshot) // an error here is the filter's going away
		return
	}
	select {
	case <-r.Context().Done():
	case <-time.After(25 * time.Second):
		w.WriteHeader(http.StatusNotModified)
	}
}

func (e *edgeServer) serveUsage(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxBatchBytes))
	if err != nil {
		return // the filter has gone away
	}
	receipt, err := e.count(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Write(wire.EncodeReceipt(receipt))
}

func (e *edgeServer) count(body []byte) (wire.Receipt, error) {
	b, err := wire.DecodeBatch(body)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.fault = fmt.Errorf("a batch of the filter: %w", err)
		return wire.Receipt{}, err
	}
	if b.Sequence == e.committed[b.Source]+1 {
		e.committed[b.Source]++
		for _, entry := range b.Entries {
			e.requests += entry.Requests
		}
	}
	return wire.Receipt{Accepted: e.committed[b.Source], Committed: e.committed[b.Source]}, nil
}

// counted returns how many requests the filter has reported.
func (e *edgeServer) counted() (uint64, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests, e.fault
}
