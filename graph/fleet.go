package graph

import (
	"encoding/hex"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/graph/model"
)

func rolloutModel(r *controlplane.Rollout) *model.Rollout {
	m := &model.Rollout{
		Snapshot: int64(r.Newest.Version), Progress: progressModel(r.Progress(r.Asked)),
		Recent: []*model.RolloutProgress{}, Workers: []*model.Worker{}, Gone: []*model.GoneNode{},
	}
	for _, v := range r.Recent {
		m.Recent = append(m.Recent, progressModel(r.Progress(v)))
	}
	for _, w := range r.Workers {
		m.Workers = append(m.Workers, workerModel(r, w))
	}
	for _, n := range r.Gone {
		m.Gone = append(m.Gone, &model.GoneNode{Node: n.Node, Workers: n.Workers, Snapshot: int64(n.Snapshot), LastSeenAt: n.LastSeenAt})
	}
	return m
}

func progressModel(p controlplane.RolloutProgress) *model.RolloutProgress {
	m := &model.RolloutProgress{
		Snapshot: int64(p.Version), Confirmed: p.Confirmed, Of: p.Of, TookMs: millis(p.Took, p.Took >= 0), Behind: append([]string{}, p.Behind...),
	}
	if !p.MadeAt.IsZero() {
		m.MadeAt = &p.MadeAt
	}
	if p.Record != 0 {
		m.Action, m.Record = &p.Action, &p.Record
	}
	return m
}

func workerModel(r *controlplane.Rollout, w controlplane.Worker) *model.Worker {
	took, known := r.Took(w)
	return &model.Worker{
		Source: hex.EncodeToString(w.Source[:]), Node: w.Node, Snapshot: int64(w.Snapshot),
		SnapshotSince: w.SnapshotSince, TookMs: millis(took, known), LastSeenAt: w.LastSeenAt,
	}
}

// millis returns a duration in milliseconds, or null when it isn't known.
func millis(d time.Duration, known bool) *int64 {
	if !known {
		return nil
	}
	ms := d.Milliseconds()
	return &ms
}
