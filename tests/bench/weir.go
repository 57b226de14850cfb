package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/weirhq/weir/plugin/book"
	"github.com/weirhq/weir/plugin/wire"
)

// policy has one account with one key for each caller, all of a tier with three
// limits that are far away: what is measured is the decision, not the refusal.
func policy(callers int) book.Policy {
	p := book.Policy{
		Version:   1,
		Endpoints: []book.Endpoint{{ID: 1, Method: "GET", Template: "/v1/items", Cost: 1}},
		Plans: []book.Plan{{ID: 1, Tier: 1, Name: "Professional", Limits: []book.Limit{
			rate(1, "per-second", book.All, 0, 1),
			rate(2, "per-minute", book.All, 0, 60),
			rate(3, "items-per-hour", book.OneEndpoint, 1, 3600),
		}}},
	}
	for i := range callers {
		id := uint64(i + 1)
		p.Keys = append(p.Keys, book.Key{ID: id, Account: id, Plan: 1, Kind: book.APIKey, Digest: book.SecretDigest(secret(i))})
	}
	return p
}

func rate(id uint64, name string, s book.Selector, target uint64, seconds uint32) book.Limit {
	const plenty = 1_000_000_000
	return book.Limit{
		ID: id, Name: name, Subject: book.PerAccount, Selector: s, Target: target, Kind: book.Rate,
		Measure: book.Requests, Mode: book.Enforce, Amount: plenty, Burst: plenty, PeriodSeconds: seconds,
	}
}

// compile returns the policy as the edge sends it to a filter that has none.
func compile(callers int) ([]byte, error) {
	set, err := book.Compile(policy(callers), nil)
	if err != nil {
		return nil, fmt.Errorf("compile the policy: %w", err)
	}
	update, err := book.EncodeUpdate(nil, set.Update())
	if err != nil {
		return nil, fmt.Errorf("encode the policy: %w", err)
	}
	return update, nil
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
	compiled, err := compile(callers)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the edge: %w", err)
	}
	e := &edgeServer{address: l.Addr().String(), snapshot: compiled, token: token, committed: map[wire.SourceID]uint64{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /edge/v1/snapshot", e.serveSnapshot)
	mux.HandleFunc("POST /edge/v1/usage", e.serveUsage)
	mux.HandleFunc("POST /edge/v1/leases", e.serveLeases)
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

// serveLeases has none to give, as there are no quotas.
func (e *edgeServer) serveLeases(w http.ResponseWriter, _ *http.Request) {
	reply, err := wire.EncodeLeaseReply(nil, &wire.LeaseReply{TTLSeconds: 30})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Write(reply) // an error here is the filter's going away
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
