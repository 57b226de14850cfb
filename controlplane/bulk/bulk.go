package bulk

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/auth"
	"github.com/weirhq/weir/controlplane/live"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/controlplane/postgres"
)

// Bulk serves exports and imports.
type Bulk struct {
	db          *postgres.DB
	corrections *live.Corrections
	log         *slog.Logger
	exports     chan struct{} // one for each that runs
	imports     chan struct{}
}

const (
	// Each holds a connection to the database all the while.
	exportsAtOnce = 3
	importsAtOnce = 2
	// stallWithin is how long a peer may take or give nothing.
	stallWithin = 30 * time.Second
)

// New returns a Bulk.
func New(db *postgres.DB, corrections *live.Corrections, log *slog.Logger) *Bulk {
	return &Bulk{db, corrections, log, make(chan struct{}, exportsAtOnce), make(chan struct{}, importsAtOnce)}
}

// Handler serves everything below /api/v1/.
func (b *Bulk) Handler() http.Handler {
	mux := http.NewServeMux()
	for ending, format := range formats {
		mux.HandleFunc("GET /api/v1/usage."+ending, permitted("GET /api/v1/usage", func(w http.ResponseWriter, r *http.Request) {
			b.atOnce(b.exports, w, func() { b.export(w, r, ending, format) })
		}))
	}
	mux.HandleFunc("POST /api/v1/usage/imports", permitted("POST /api/v1/usage/imports", func(w http.ResponseWriter, r *http.Request) {
		b.atOnce(b.imports, w, func() { b.importUsage(w, r) })
	}))
	mux.HandleFunc("/api/v1/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "There is nothing here", "Usage is at /api/v1/usage.csv, .ndjson and .parquet, the audit log at /api/v1/audit.csv and .ndjson; imports go to /api/v1/usage/imports.", nil)
	})
	b.handleAudit(mux)
	return signedIn(mux)
}

// atOnce runs do unless too many run.
func (b *Bulk) atOnce(running chan struct{}, w http.ResponseWriter, do func()) {
	select {
	case running <- struct{}{}:
		defer func() { <-running }()
		do()
	default:
		w.Header().Set("Retry-After", "5")
		problem(w, http.StatusServiceUnavailable, "Too many exports or imports run now", "Try again when one of them has ended.", nil)
	}
}

func signedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := auth.PrincipalOf(r.Context()); ok {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="weir"`)
		problem(w, http.StatusUnauthorized, "Sign in first", "Sign in with the dashboard, or send Authorization: Bearer and an API token.", nil)
	})
}

// permitted refuses those who may not ask for what has a path.
func permitted(path string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rule, ok := permit.Path(path)
		if !ok {
			problem(w, http.StatusForbidden, "Nobody may do this", "It has no entry in the table of permissions.", nil)
			return
		}
		if faults := controlplane.Faults(rule.Check(permit.Held(r.Context()))); len(faults) > 0 {
			problem(w, http.StatusForbidden, "You may not do this", faults[0].Message, nil)
			return
		}
		next(w, r)
	}
}

// fault is a mistake in what was sent.
type fault struct {
	Line    int    `json:"line,omitempty"` // of an import, from 1
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

func faultsOf(err error) []fault {
	var faults []fault
	for _, f := range controlplane.Faults(err) {
		faults = append(faults, fault{Field: fieldName(f.Field), Message: f.Message})
	}
	return faults
}

// fieldName is what a field is called here.
func fieldName(field string) string {
	if name, ok := fieldNames[field]; ok {
		return name
	}
	return strings.TrimPrefix(field, "input.")
}

// fieldNames are those of a correction's fields in a row, and of an audit filter's.
var fieldNames = map[string]string{
	"clientId": "client_id", "accountId": "account", "keyId": "key", "endpointId": "endpoint", "tierId": "tier",
	"meterId": "meter", "bytesIn": "bytes_in", "bytesOut": "bytes_out",
	"actions": "action", "objectId": "object", "requestId": "request",
}

// problem answers with an RFC 9457 body.
func problem(w http.ResponseWriter, status int, title, detail string, faults []fault) {
	for _, name := range []string{"Content-Disposition", "Trailer"} { // of what could not be answered
		w.Header().Del(name)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	body := map[string]any{"title": title, "status": status, "detail": detail}
	if len(faults) > 0 {
		body["errors"] = faults
	}
	_ = json.NewEncoder(w).Encode(body) // whoever asked has gone
}

// refuse answers what could not be done, before anything else was answered.
func (b *Bulk) refuse(w http.ResponseWriter, r *http.Request, what string, err error) {
	if faults := faultsOf(err); len(faults) > 0 {
		problem(w, http.StatusBadRequest, "The "+what+" can't be made as asked for", faults[0].Message, faults)
		return
	}
	if r.Context().Err() == nil {
		b.log.ErrorContext(r.Context(), "could not make an "+what, "err", err)
	}
	problem(w, http.StatusServiceUnavailable, "The "+what+" can't be made now", "Something went wrong on our side; try again.", nil)
}
