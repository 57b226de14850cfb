package controlplane

import (
	"cmp"
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

// GoneNode is an Envoy that isn't heard from any more: all that have its name, or some
// of them.
type GoneNode struct {
	Node       string
	Workers    int    // that fell silent, and that no later one took the place of
	Snapshot   uint64 // the newest that one of them ran
	LastSeenAt time.Time
}

// GoneAmong returns the nodes of which workers fell silent before a time, the last heard
// from first. Several Envoys may have one name, and one that is started anew has new
// workers: each that begins once another has fallen silent, or not longer than overlap
// before that, takes the place of one.
func GoneAmong(workers []Worker, silentSince time.Time, overlap time.Duration) []GoneNode {
	byNode := map[string][]Worker{}
	for _, w := range workers {
		byNode[w.Node] = append(byNode[w.Node], w)
	}
	var gone []GoneNode
	for node, all := range byNode {
		silent := slices.DeleteFunc(slices.Clone(all), func(w Worker) bool { return w.LastSeenAt.After(silentSince) })
		slices.SortFunc(silent, func(a, b Worker) int { return a.LastSeenAt.Compare(b.LastSeenAt) })
		slices.SortFunc(all, func(a, b Worker) int { return a.FirstSeenAt.Compare(b.FirstSeenAt) })
		for _, w := range all {
			// The first to fall silent has waited longest for another.
			if len(silent) > 0 && silent[0].Source != w.Source && !silent[0].LastSeenAt.After(w.FirstSeenAt.Add(overlap)) {
				silent = silent[1:]
			}
		}
		if len(silent) == 0 {
			continue
		}
		g := GoneNode{Node: node, Workers: len(silent), LastSeenAt: silent[len(silent)-1].LastSeenAt}
		for _, w := range silent {
			g.Snapshot = max(g.Snapshot, w.Snapshot)
		}
		gone = append(gone, g)
	}
	slices.SortFunc(gone, func(a, b GoneNode) int {
		return cmp.Or(b.LastSeenAt.Compare(a.LastSeenAt), cmp.Compare(a.Node, b.Node))
	})
	return gone
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
