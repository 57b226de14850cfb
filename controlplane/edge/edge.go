// Package edge is what filters talk to: snapshots down, usage up, and leases of
// quotas both ways. It is thin and stateless, so there may be any number of it.
//
// In come requests of Envoys that know a node token; out go snapshots,
// receipts and leases, and, as the answer to a held poll, word that a lease is
// being recalled. A batch is accepted only when the stream has stored it, and the
// receipt says what Postgres has committed, so the filter knows what it may
// forget. After a crash the filters simply ask again.
package edge

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane/snapshot"
)

// Media types of the bodies.
const (
	UpdateType  = "application/vnd.weir.update"
	BatchType   = "application/vnd.weir.batch"
	ReceiptType = "application/vnd.weir.receipt"
	LeasesType  = "application/vnd.weir.leases"
)

// Edge serves the filters.
type Edge struct {
	Snapshots *snapshot.Publisher
	Stream    Stream
	Sources   Sources
	Leases    Leases
	// NodeToken is what a filter must show: one of these, with white space between.
	NodeToken string
	Log       *slog.Logger

	recalls recalls
}

// MinTokenLength is how short a node token may be.
const MinTokenLength = 32

const holdFor = 25 * time.Second // a long poll without news

// CheckTokens says what is wrong with node tokens.
func CheckTokens(tokens string) error {
	all := strings.Fields(tokens)
	if len(all) == 0 {
		return fmt.Errorf("there is no node token; give one of at least %d characters", MinTokenLength)
	}
	for i, token := range all {
		if len(token) < MinTokenLength {
			return fmt.Errorf("node token %d of %d has %d characters; give it at least %d", i+1, len(all), len(token), MinTokenLength)
		}
	}
	return nil
}

// Handler returns the edge's routes, all behind the node tokens.
func (e *Edge) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /edge/v1/snapshot", e.getSnapshot)
	mux.HandleFunc("POST /edge/v1/usage", e.postUsage)
	mux.HandleFunc("POST /edge/v1/leases", e.postLeases)
	return e.authenticated(mux)
}

func (e *Edge) authenticated(next http.Handler) http.Handler {
	// Several are good at once, so that Envoys can change theirs one by one.
	var good [][sha256.Size]byte
	for _, token := range strings.Fields(e.NodeToken) {
		good = append(good, sha256.Sum256([]byte(token)))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		// Digests have one length, so comparing them tells nothing about the tokens'.
		got, known := sha256.Sum256([]byte(token)), 0
		for _, want := range good {
			known |= subtle.ConstantTimeCompare(got[:], want[:])
		}
		if !strings.EqualFold(scheme, "Bearer") || known != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="weir edge"`)
			http.Error(w, "the node token is missing or wrong; set WEIR_NODE_TOKEN where Envoy runs", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// getSnapshot answers at once with the update to a later snapshot than the
// filter's, or holds the request until there is one. It says 204 when the filter's
// process is to report its leases, as some of them are being recalled.
func (e *Edge) getSnapshot(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	have, err := strconv.ParseUint(query.Get("have"), 10, 64)
	if err != nil {
		http.Error(w, "have: give the version of the snapshot at hand, 0 for none", http.StatusBadRequest)
		return
	}
	process, ok := processOf(query.Get("process"))
	if !ok && query.Has("process") {
		http.Error(w, "process: give the 32 hexadecimal digits of the process's name", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), holdFor)
	defer cancel()
	ctx, stop := e.recalls.await(ctx, process)
	data, version, ok, err := e.Snapshots.Newer(ctx, have)
	recalled := context.Cause(ctx) == errRecalled
	stop()
	if ok && recalled {
		e.recalls.add(process) // for its next poll
	}
	switch {
	case err != nil:
		e.Log.ErrorContext(r.Context(), "could not give a filter the snapshot", "have", have, "err", err)
		http.Error(w, "the snapshot can't be given out; the filter keeps the one it has", http.StatusInternalServerError)
	case !ok && recalled:
		w.WriteHeader(http.StatusNoContent)
	case !ok:
		w.WriteHeader(http.StatusNotModified)
	default:
		w.Header().Set("Content-Type", UpdateType)
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.Header().Set("Weir-Snapshot", strconv.FormatUint(version, 10))
		w.Write(data) // an error here is the filter's going away; it will ask again
	}
}
