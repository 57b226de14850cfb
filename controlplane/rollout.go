package controlplane

import (
	"slices"
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// Worker is one worker thread of an Envoy as the edge last heard from it. All
// times are the database's.
type Worker struct {
	Source        wire.SourceID
	Node          string
	Snapshot      uint64 // the one it runs; 0: none yet
	SnapshotSince time.Time
	FirstSeenAt   time.Time
	LastSeenAt    time.Time
}

// GoneNode is an Envoy none of whose workers is heard from any more.
type GoneNode struct {
	Node       string
	Workers    int    // when it was last heard from
	Snapshot   uint64 // the newest that one of them ran
	LastSeenAt time.Time
}

// PolicyVersion is a version of the policy, and when it was made.
type PolicyVersion struct {
	Version uint64
	MadeAt  time.Time // zero: longer ago than is known
	Record  int64     // the first audit record of what it changed; 0: none is known
	Action  string    // of that record
}

// Confirmation is when a worker first said that it runs a snapshot.
type Confirmation struct {
	Source   wire.SourceID
	Snapshot uint64
	At       time.Time
}

// Rollout is which policy runs where.
type Rollout struct {
	Newest        PolicyVersion
	Asked         PolicyVersion
	Recent        []PolicyVersion // newest first
	Workers       []Worker        // those that are heard from, by node
	Gone          []GoneNode      // the last heard from first
	Confirmations []Confirmation  // of the workers
}

// RolloutProgress is how far a version of the policy has got.
type RolloutProgress struct {
	PolicyVersion
	Confirmed int // workers that run it, or a later one
	Of        int // workers that are heard from
	// Took is from the version's making to the last confirmation so far, among the
	// workers that were there when it was made; negative when nobody knows.
	Took   time.Duration
	Behind []string // the nodes of the workers that are missing, each once
}

// Progress returns how far a version has got.
func (r *Rollout) Progress(v PolicyVersion) RolloutProgress {
	p := RolloutProgress{PolicyVersion: v, Of: len(r.Workers), Took: -1}
	for _, w := range r.Workers {
		if w.Snapshot < v.Version {
			p.Behind = append(p.Behind, w.Node)
			continue
		}
		p.Confirmed++
		if took, ok := r.took(w, v); ok {
			p.Took = max(p.Took, took)
		}
	}
	slices.Sort(p.Behind)
	p.Behind = slices.Compact(p.Behind)
	return p
}

// Took is from the making of the snapshot that a worker runs to its saying so;
// false when nobody knows, and for a worker that began with that snapshot.
func (r *Rollout) Took(w Worker) (time.Duration, bool) {
	for _, v := range append([]PolicyVersion{r.Newest, r.Asked}, r.Recent...) {
		if v.Version == w.Snapshot {
			return r.took(w, v)
		}
	}
	return 0, false
}

func (r *Rollout) took(w Worker, v PolicyVersion) (time.Duration, bool) {
	if v.MadeAt.IsZero() || w.FirstSeenAt.After(v.MadeAt) {
		return 0, false
	}
	var first time.Time
	for _, c := range r.Confirmations {
		if c.Source == w.Source && c.Snapshot >= v.Version && (first.IsZero() || c.At.Before(first)) {
			first = c.At
		}
	}
	return max(0, first.Sub(v.MadeAt)), !first.IsZero()
}
