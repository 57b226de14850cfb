package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// Stream carries batches to the rollup.
type Stream interface {
	// Publish returns once the stream has stored the encoded batch, and fails
	// when nobody knows whether it has.
	Publish(ctx context.Context, source wire.SourceID, sequence uint64, batch []byte) error
}

// Sources is what the database knows of those who send batches.
type Sources interface {
	// SeeWorker notes what a worker's message, a batch or a heartbeat, says beside
	// its usage: that the worker lives, and which snapshot it runs.
	SeeWorker(ctx context.Context, message *wire.Batch) error
	// Committed returns the highest sequence up to which every batch of the
	// source is in the rollups; 0 if none is.
	Committed(ctx context.Context, source wire.SourceID) (uint64, error)
}

const (
	storeWithin  = 5 * time.Second // the stream's answer to a batch
	lookUpWithin = time.Second     // the database's answer to what is committed
)

// postUsage takes one batch and answers with a receipt.
func (e *Edge) postUsage(w http.ResponseWriter, r *http.Request) {
	body, ok := readBody(w, r, "batch", wire.MaxBatchBytes)
	if !ok {
		return
	}
	receipt, err := e.TakeUsage(r.Context(), body)
	switch {
	case errors.Is(err, wire.ErrMalformed):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case err != nil:
		e.Log.WarnContext(r.Context(), "refused a batch; the filter keeps it", "err", err)
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the batch could not be stored; send it again", http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Type", ReceiptType)
		w.Write(wire.EncodeReceipt(receipt))
	}
}

// TakeUsage stores an encoded batch in the stream and returns the receipt for
// it. It fails with [wire.ErrMalformed] for bytes that are no batch, and
// otherwise when the stream may not have stored it.
func (e *Edge) TakeUsage(ctx context.Context, body []byte) (wire.Receipt, error) {
	batch, err := wire.DecodeBatch(body)
	if err != nil {
		return wire.Receipt{}, err
	}
	if err := e.store(ctx, batch, body); err != nil {
		// What the worker has counted is to be known all the same, should it never come.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookUpWithin)
		defer cancel()
		return wire.Receipt{}, fmt.Errorf("take usage of %s: %w", batch.Node, errors.Join(err, e.Sources.SeeWorker(ctx, batch)))
	}
	return e.receipt(ctx, batch), nil
}

func (e *Edge) store(ctx context.Context, batch *wire.Batch, body []byte) error {
	if batch.Sequence == 0 {
		return nil // a heartbeat
	}
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	return e.Stream.Publish(ctx, batch.Source, batch.Sequence, body)
}

// receipt looks up what is committed. Without an answer from the database it
// claims nothing, and the filter keeps its batches.
func (e *Edge) receipt(ctx context.Context, batch *wire.Batch) wire.Receipt {
	ctx, cancel := context.WithTimeout(ctx, lookUpWithin)
	defer cancel()
	receipt := wire.Receipt{Accepted: batch.Sequence}
	err := e.Sources.SeeWorker(ctx, batch)
	if err == nil {
		receipt.Committed, err = e.Sources.Committed(ctx, batch.Source)
	}
	if err != nil {
		e.Log.WarnContext(ctx, "could not tell a filter what is committed", "node", batch.Node, "err", err)
	}
	return receipt
}
