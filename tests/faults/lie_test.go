package faults

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"

	"github.com/weirhq/weir/controlplane/edge"
	"github.com/weirhq/weir/plugin/wire"
)

// lie is an edge that does something wrong.
type lie struct {
	batch   func(*wire.Batch) []*wire.Batch // what it passes on in place of some batches; may be nil
	receipt func(*wire.Receipt)             // changes what it answers; may be nil
}

// liesEvery says which batches are some.
const liesEvery = 3

// handler stands in front of the edge at a URL.
func (l *lie) handler(target *url.URL) http.Handler {
	honest := httputil.NewSingleHostReverseProxy(target)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/edge/v1/usage" {
			honest.ServeHTTP(w, r)
			return
		}
		receipt, err := l.take(r, target)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("content-type", edge.ReceiptType)
		_, _ = w.Write(wire.EncodeReceipt(receipt)) // a filter that is gone asks again
	})
}

func (l *lie) take(r *http.Request, target *url.URL) (receipt wire.Receipt, err error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return receipt, err
	}
	batch, err := wire.DecodeBatch(body)
	if err != nil {
		return receipt, err
	}
	pass := []*wire.Batch{batch}
	if l.batch != nil && batch.Sequence%liesEvery == liesEvery-1 {
		pass = l.batch(batch)
	}
	receipt = wire.Receipt{Accepted: batch.Sequence, Committed: batch.Sequence}
	for _, b := range pass {
		if receipt, err = post(r, target, b); err != nil {
			return receipt, err
		}
	}
	if l.receipt != nil {
		l.receipt(&receipt)
	}
	return receipt, nil
}

// post sends a batch as the filter would have.
func post(as *http.Request, target *url.URL, b *wire.Batch) (receipt wire.Receipt, err error) {
	body, err := wire.EncodeBatch(nil, b)
	if err != nil {
		return receipt, err
	}
	r, err := http.NewRequestWithContext(as.Context(), http.MethodPost, target.JoinPath(as.URL.Path).String(), bytes.NewReader(body))
	if err != nil {
		return receipt, err
	}
	r.Header = as.Header.Clone()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return receipt, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return receipt, err
	}
	if resp.StatusCode != http.StatusOK {
		return receipt, fmt.Errorf("the edge answered %s", resp.Status)
	}
	return wire.DecodeReceipt(answer)
}
