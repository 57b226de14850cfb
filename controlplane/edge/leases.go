package edge

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// Leases is the ledger of quotas.
type Leases interface {
	// ReportLeases takes what a process holds at a time, and returns what it may use.
	ReportLeases(ctx context.Context, report *wire.LeaseReport, at time.Time) (*wire.LeaseReply, error)
	// WatchRecalls calls recalled for each process of which a lease is being
	// recalled, until ctx ends or the watch breaks off. It never returns nil.
	WatchRecalls(ctx context.Context, recalled func(wire.ProcessID)) error
}

// settleWithin is the ledger's time for a report.
const settleWithin = 5 * time.Second

// postLeases takes what a process holds of quotas and answers with what it may
// use. Without an answer of the ledger the filter keeps what it has.
func (e *Edge) postLeases(w http.ResponseWriter, r *http.Request) {
	body, ok := readBody(w, r, "report", wire.MaxLeaseReportBytes)
	if !ok {
		return
	}
	report, err := wire.DecodeLeaseReport(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), settleWithin)
	defer cancel()
	var encoded []byte
	reply, err := e.Leases.ReportLeases(ctx, report, time.Now())
	if err == nil {
		encoded, err = wire.EncodeLeaseReply(nil, reply)
	}
	if err != nil {
		e.Log.WarnContext(ctx, "could not settle a filter's leases", "node", report.Node, "err", err)
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the leases could not be settled; report them again", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", LeasesType)
	w.Write(encoded)
}

// readBody reads a request's body of at most most bytes. If it can't, it has
// answered.
func readBody(w http.ResponseWriter, r *http.Request, what string, most int64) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		http.Error(w, "the "+what+" is larger than "+strconv.FormatInt(most, 10)+" bytes", http.StatusRequestEntityTooLarge)
	case err != nil:
		http.Error(w, "the "+what+" did not arrive whole", http.StatusBadRequest)
	}
	return body, err == nil
}
