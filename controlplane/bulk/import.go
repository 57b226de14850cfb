package bulk

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/auth"
)

// Bounds of an import.
const (
	importRows   = 1_000 // committed at once
	importFaults = 100   // told of
	maxLineBytes = 16 << 10
	maxReason    = 500
)

// imported is what an import answers.
type imported struct {
	Taken  int64   `json:"taken"`  // rows that were new
	Known  int64   `json:"known"`  // rows that had been taken before
	Failed int64   `json:"failed"` // rows with a mistake
	Errors []fault `json:"errors"` // the first of them, by line
}

// importUsage takes rows as they come.
func (b *Bulk) importUsage(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	open, ok := rowReaders[kind]
	query, err := queryOf(r)
	if err != nil {
		b.refuse(w, r, "import", err)
		return
	}
	reason := query.Get("reason")
	switch {
	case !ok:
		w.Header().Set("Accept-Post", "text/csv, application/x-ndjson")
		problem(w, http.StatusUnsupportedMediaType, "That is neither CSV nor NDJSON", "Send Content-Type: text/csv or application/x-ndjson.", nil)
		return
	case reason == "" || len(reason) > maxReason:
		problem(w, http.StatusBadRequest, "The import has no reason", "Say why in the parameter reason, in 1 to 500 bytes.", []fault{{Field: "reason", Message: "give 1 to 500 bytes"}})
		return
	}
	who, _ := auth.PrincipalOf(r.Context())
	body := &patient{body: r.Body, control: control}
	rows, err := open(body)
	i := importer{corrections: b.corrections, reason: reason, actor: who.Name, now: time.Now, answer: imported{Errors: []fault{}}}
	if err == nil {
		err = i.run(r.Context(), rows)
	}
	b.answerImport(w, r, &i.answer, errors.Join(body.err, err))
}

// answerImport says what became of the rows. Those that were taken stay taken,
// whatever happened after them.
func (b *Bulk) answerImport(w http.ResponseWriter, r *http.Request, answer *imported, err error) {
	status := http.StatusOK
	var malformed *malformedError
	switch {
	case errors.As(err, &malformed):
		status = http.StatusBadRequest
		answer.Errors = append(answer.Errors, fault{Line: malformed.line, Field: malformed.field, Message: malformed.message})
	case err != nil:
		if r.Context().Err() == nil {
			b.log.WarnContext(r.Context(), "an import was cut short", "taken", answer.Taken, "known", answer.Known, "err", err)
		}
		status = http.StatusServiceUnavailable
		answer.Errors = append(answer.Errors, fault{Message: "the import was cut short after the rows that are counted here; send the same rows again, and those count once"})
	case answer.Failed > 0:
		status = http.StatusUnprocessableEntity
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // whoever sent it has gone
}

// leastBytes is what a sender has to send within stallWithin: one that holds an import
// open holds up others.
const leastBytes = 1 << 10

// patient reads a body of any length from a sender that may pause, but neither stall nor
// trickle.
type patient struct {
	body    io.Reader
	control *http.ResponseController
	due     int // bytes, until there is more time
	err     error
}

func (p *patient) Read(into []byte) (int, error) {
	if p.due <= 0 {
		if err := p.control.SetReadDeadline(time.Now().Add(stallWithin)); err != nil {
			return 0, err
		}
		p.due = leastBytes
	}
	n, err := p.body.Read(into)
	p.due -= n
	if err != nil && !errors.Is(err, io.EOF) {
		p.err = err
	}
	return n, err
}

// corrector makes corrections.
type corrector interface {
	Correct(context.Context, []controlplane.NewCorrection) ([]controlplane.CorrectionResult, error)
}

// importer commits rows, some at a time.
type importer struct {
	corrections   corrector
	reason, actor string
	now           func() time.Time
	answer        imported

	chunk []controlplane.NewCorrection
	lines []int // of the chunk's rows
}

// run reads to the end. A row that can't be taken does not hold up the others; an
// error does.
func (i *importer) run(ctx context.Context, rows rowReader) error {
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			return i.commit(ctx)
		}
		if err != nil {
			return errors.Join(err, i.commit(ctx))
		}
		correction, faults := row.correction()
		if len(faults) > 0 {
			i.fail(row.line, faults)
			continue
		}
		correction.Reason, correction.Actor = i.reason, i.actor
		i.chunk, i.lines = append(i.chunk, correction), append(i.lines, row.line)
		if len(i.chunk) == importRows {
			if err := i.commit(ctx); err != nil {
				return err
			}
		}
	}
}

func (i *importer) fail(line int, faults []fault) {
	i.answer.Failed++
	for _, f := range faults {
		if len(i.answer.Errors) == importFaults {
			return
		}
		f.Line = line
		i.answer.Errors = append(i.answer.Errors, f)
	}
}

// commit takes what was read.
func (i *importer) commit(ctx context.Context) error {
	if len(i.chunk) == 0 {
		return nil
	}
	results, err := i.corrections.Correct(ctx, i.chunk)
	if err != nil {
		return err
	}
	for n, r := range results {
		switch {
		case r.Err != nil:
			i.fail(i.lines[n], faultsOf(r.Err))
		case r.Known:
			i.answer.Known++
		default:
			i.answer.Taken++
		}
	}
	i.chunk, i.lines = i.chunk[:0], i.lines[:0]
	return nil
}
