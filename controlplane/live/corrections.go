package live

import (
	"context"
	"log/slog"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

// correctionSource stands for corrections where batches are named: their sequences
// are the ids, which are given out in the order of commits. No worker's VM has it.
var correctionSource = wire.SourceID{}

// CorrectionsUpTo names all corrections up to one, for a [Base].
func (b *Base) CorrectionsUpTo(id controlplane.ID) {
	b.Committed[correctionSource] = Sequences{Through: uint64(id)}
}

// Corrector makes corrections.
type Corrector interface {
	// Correct makes corrections in one transaction, and says what became of each.
	Correct(ctx context.Context, wanted []controlplane.NewCorrection) ([]controlplane.CorrectionResult, error)
}

// Announcer tells live readers what was committed, as [Delta.Encode] writes it.
type Announcer interface {
	Announce(payload []byte) error
}

// Corrections makes corrections, and tells live readers of those that are new. When
// it dies between the two, they learn of them with their next base.
type Corrections struct {
	DB   Corrector
	Live Announcer
	Log  *slog.Logger
}

// Correct is [Corrector.Correct].
func (c *Corrections) Correct(ctx context.Context, wanted []controlplane.NewCorrection) ([]controlplane.CorrectionResult, error) {
	results, err := c.DB.Correct(ctx, wanted)
	if err != nil {
		return nil, err
	}
	for _, payload := range DeltaOfCorrections(results).Encode() {
		if err := c.Live.Announce(payload); err != nil {
			c.Log.Warn("live readers miss a correction for a while", "err", err)
		}
	}
	return results, nil
}

// DeltaOfCorrections adds up what one transaction of corrections made.
func DeltaOfCorrections(results []controlplane.CorrectionResult) Delta {
	d := Delta{}
	last := controlplane.ID(0)
	for i := range results {
		r := &results[i]
		if r.Err != nil || r.Known {
			continue
		}
		last = max(last, r.ID)
		if counts := (Counts{Requests: r.Requests, Corrected: r.Requests, BytesIn: r.BytesIn, BytesOut: r.BytesOut}); counts != (Counts{}) {
			d.Cells = append(d.Cells, Cell{Scope{r.AccountID, r.KeyID, r.EndpointID}, r.At.Unix() / 60, counts})
		}
	}
	d.Batches = []BatchID{{correctionSource, uint64(last)}}
	d.merge()
	d.sum()
	return d
}
