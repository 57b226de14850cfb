package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxProblemBytes is how much of a refusal is read.
const maxProblemBytes = 1 << 20

// Download writes the answer to a GET of path into out, and returns the number of rows
// that the control plane says it has. An answer that was cut off is an error.
func (c *Client) Download(ctx context.Context, path string, query url.Values, out io.Writer) (rows int64, err error) {
	ctx, stalled := withinEach(ctx, c.timeout)
	defer stalled.stop()
	r, err := c.request(ctx, http.MethodGet, path+"?"+query.Encode(), nil)
	if err != nil {
		return 0, err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, c.unreached(context.Cause(ctx), err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		content, _ := io.ReadAll(io.LimitReader(answer.Body, maxProblemBytes)) // what there is of it
		return 0, c.refused(answer, content)
	}
	if _, err := io.Copy(out, stalled.reader(answer.Body)); err != nil {
		return 0, fmt.Errorf("the answer was cut off: %w", errors.Join(context.Cause(ctx), err))
	}
	rows, err = strconv.ParseInt(answer.Trailer.Get("Weir-Rows"), 10, 64)
	if err != nil {
		return 0, errors.New("the answer was cut off: it does not say how many rows it has")
	}
	return rows, nil
}

// Imported is what became of an import's rows.
type Imported struct {
	Taken  int64   `json:"taken"`  // rows that were new
	Known  int64   `json:"known"`  // rows that had been taken before
	Failed int64   `json:"failed"` // rows with a mistake
	Errors []Fault `json:"errors"` // the first of them, and why not all rows were read; empty when all is well
}

// Import sends rows of usage, which are text/csv or application/x-ndjson. Rows that were
// taken stay taken, also when it fails: sent again, they count once.
func (c *Client) Import(ctx context.Context, contentType, reason string, rows io.Reader) (Imported, error) {
	var done Imported
	ctx, stalled := withinEach(ctx, c.timeout)
	defer stalled.stop()
	r, err := c.request(ctx, http.MethodPost, "/api/v1/usage/imports?"+url.Values{"reason": {reason}}.Encode(), stalled.reader(rows))
	if err != nil {
		return done, err
	}
	r.Header.Set("Content-Type", contentType)
	answer, err := c.http.Do(r)
	if err != nil {
		return done, c.unreached(context.Cause(ctx), err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxProblemBytes))
	if err != nil {
		return done, c.unreached(err)
	}
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") || json.Unmarshal(content, &done) != nil {
		return done, c.refused(answer, content)
	}
	return done, nil
}

var errStalled = errors.New("nothing came or went within the timeout")

// stall ends a transfer that stands still.
type stall struct {
	timer  *time.Timer
	within time.Duration
	cancel context.CancelCauseFunc
}

// withinEach bounds the time between two steps of a transfer.
func withinEach(ctx context.Context, within time.Duration) (context.Context, *stall) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &stall{time.AfterFunc(within, func() { cancel(errStalled) }), within, cancel}
}

func (s *stall) stop() {
	s.timer.Stop()
	s.cancel(nil)
}

func (s *stall) reader(r io.Reader) io.Reader { return &watched{r, s} }

type watched struct {
	io.Reader
	stall *stall
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.stall.timer.Reset(w.stall.within)
	return n, err
}
