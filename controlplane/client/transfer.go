package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// maxProblemBytes is how much of a refusal is read.
const maxProblemBytes = 1 << 20

// Sink is where a download goes.
type Sink struct {
	io.Writer
	// Restart forgets all that was written; nil where that can't be.
	Restart func() error
}

// Download writes the answer to a GET of path into out, and returns the number of rows
// that the control plane says it has. Of an answer that breaks off the rest is asked
// for: the control plane sees to it that what came before is how the answer begins, so
// that out has what one unbroken answer has. From one that can't, all of it is asked for
// again, and what has come already is compared and not written again. When what the control plane answers has changed meanwhile,
// it is written anew from the beginning if out can restart, and fails otherwise. An
// error leaves out with part of an answer, or nothing.
func (c *Client) Download(ctx context.Context, path string, query url.Values, out Sink) (rows int64, err error) {
	d := &download{to: out, hash: sha256.New()}
	err = c.again(ctx, d, func() (further bool, err error) {
		before := d.furthest
		rows, err = c.attempt(ctx, path+"?"+query.Encode(), d)
		return d.furthest > before, err
	})
	return rows, err
}

// attempt asks once for what is downloaded, or for the rest of it.
func (c *Client) attempt(ctx context.Context, path string, d *download) (rows int64, err error) {
	began := c.now()
	defer func() { d.took += c.now().Sub(began) }()
	// To send the rest of an answer, the control plane makes again what came before, which
	// takes no longer than it took.
	ctx, stalled := withinEach(ctx, c.timeout+d.took)
	defer stalled.stop()
	resumed := d.bytes > 0 && !d.whole
	answer, err := c.get(ctx, path, d, resumed)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusPreconditionFailed && resumed {
		return 0, d.cutOff(ctx, d.restart())
	}
	if answer.StatusCode != http.StatusOK {
		// Something between gave up waiting for the rest.
		d.whole = d.whole || resumed && answer.StatusCode == http.StatusGatewayTimeout
		content, _ := io.ReadAll(io.LimitReader(answer.Body, maxProblemBytes)) // what there is of it
		err := c.refused(answer, content)
		if later(answer) {
			err = &laterError{err: err, after: retryAfter(answer)}
		}
		return 0, err
	}
	stalled.within = c.timeout
	stalled.timer.Reset(c.timeout)
	body := stalled.reader(answer.Body)
	if answer.Header.Get("Weir-From") != strconv.FormatInt(d.bytes, 10) {
		err = d.skip(body)
	}
	if err == nil {
		_, err = io.Copy(d, body)
	}
	if err != nil || d.fault != nil {
		return 0, d.cutOff(ctx, err)
	}
	if rows, err = strconv.ParseInt(answer.Trailer.Get("Weir-Rows"), 10, 64); err != nil {
		return 0, &laterError{err: errors.New("the answer was cut off: it does not say how many rows it has")}
	}
	return rows, nil
}

// get asks for all of an answer, or for the rest.
func (c *Client) get(ctx context.Context, path string, d *download, resumed bool) (*http.Response, error) {
	r, err := c.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, err
	}
	if resumed {
		r.Header.Set("Weir-Have", fmt.Sprintf("%d:%x", d.bytes, d.hash.Sum(nil)))
	}
	var sent atomic.Bool
	answer, err := c.http.Do(r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(wrote httptrace.WroteRequestInfo) { sent.Store(wrote.Err == nil) },
	})))
	if late := net.Error(nil); sent.Load() && (errors.Is(context.Cause(ctx), errStalled) || errors.As(err, &late) && late.Timeout()) {
		if resumed {
			d.whole = true
			return nil, &laterError{err: c.unreached(errStalled)}
		}
		// It would take as long again, and be as much work.
		return nil, fmt.Errorf("%w; give it longer with --timeout, or ask for less", c.unreached(errStalled))
	}
	if err != nil {
		return nil, c.unanswered(err)
	}
	return answer, nil
}

// errChanged ends an attempt whose answer does not begin with what was written.
var errChanged = errors.New("what came of it before is not how it begins now, because the control plane has counted or changed something meanwhile")

// download is what was written of an answer that came in several attempts.
type download struct {
	to       Sink
	hash     hash.Hash // of what was written
	bytes    int64
	furthest int64 // the most that bytes was
	took     time.Duration
	whole    bool  // whether the rest by itself is not to be had
	fault    error // after which no attempt helps
}

// cutOff is what an attempt failed with.
func (d *download) cutOff(ctx context.Context, err error) error {
	if d.fault != nil {
		return d.fault
	}
	return &laterError{err: fmt.Errorf("the answer was cut off: %w", errors.Join(context.Cause(ctx), err))}
}

// Write implements io.Writer.
func (d *download) Write(p []byte) (int, error) {
	n, err := d.to.Write(p)
	d.hash.Write(p[:n])
	d.bytes += int64(n)
	d.furthest = max(d.furthest, d.bytes)
	d.fault = err
	return n, err
}

// skip reads past what was written, and sees to it that it is the same.
func (d *download) skip(body io.Reader) error {
	again := sha256.New()
	n, err := io.CopyN(again, body, d.bytes)
	switch {
	case n < d.bytes && !errors.Is(err, io.EOF): // nothing shows that it has become shorter
		return err
	case n == d.bytes && bytes.Equal(again.Sum(nil), d.hash.Sum(nil)):
		return nil
	}
	return d.restart()
}

// restart forgets what was written, which is not how the answer begins any more.
func (d *download) restart() error {
	if d.to.Restart == nil {
		d.fault = fmt.Errorf("the answer was cut off: %w", errChanged)
		return errChanged
	}
	d.hash.Reset()
	d.bytes, d.fault = 0, d.to.Restart()
	return errChanged
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
