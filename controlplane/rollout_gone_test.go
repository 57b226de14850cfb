package controlplane_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

func TestGoneAmong(t *testing.T) {
	began := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(minute int) time.Time { return began.Add(time.Duration(minute) * time.Minute) }
	var next byte
	// of makes workers of one Envoy.
	of := func(node string, n, first, last int, snapshot uint64) (all []controlplane.Worker) {
		for range n {
			next++
			all = append(all, controlplane.Worker{Source: wire.SourceID{next}, Node: node, Snapshot: snapshot, FirstSeenAt: at(first), LastSeenAt: at(last)})
		}
		return all
	}
	const now = 600
	for name, tc := range map[string]struct {
		workers [][]controlplane.Worker
		want    []controlplane.GoneNode
	}{
		"all are there":                {[][]controlplane.Worker{of("a", 3, 0, now, 7), of("b", 3, 0, now, 7)}, nil},
		"a node":                       {[][]controlplane.Worker{of("a", 3, 0, now, 7), of("b", 3, 0, 100, 6)}, []controlplane.GoneNode{{Node: "b", Workers: 3, Snapshot: 6, LastSeenAt: at(100)}}},
		"one of two that have a name":  {[][]controlplane.Worker{of("a", 3, 0, now, 7), of("a", 3, 0, 100, 6)}, []controlplane.GoneNode{{Node: "a", Workers: 3, Snapshot: 6, LastSeenAt: at(100)}}},
		"it was started anew":          {[][]controlplane.Worker{of("a", 3, 0, 100, 6), of("a", 3, 101, now, 7)}, nil},
		"anew twice":                   {[][]controlplane.Worker{of("a", 3, 0, 100, 5), of("a", 3, 101, 200, 6), of("a", 3, 205, now, 7)}, nil},
		"anew, and gone":               {[][]controlplane.Worker{of("a", 3, 0, 100, 5), of("a", 3, 101, 200, 6)}, []controlplane.GoneNode{{Node: "a", Workers: 3, Snapshot: 6, LastSeenAt: at(200)}}},
		"the new one before the other": {[][]controlplane.Worker{of("a", 3, 0, 100, 6), of("a", 3, 99, now, 7)}, nil},
		"one of two was started anew":  {[][]controlplane.Worker{of("a", 3, 0, 100, 5), of("a", 3, 0, 102, 6), of("a", 3, 103, now, 7)}, []controlplane.GoneNode{{Node: "a", Workers: 3, Snapshot: 6, LastSeenAt: at(102)}}},
		"it grew, then one was lost":   {[][]controlplane.Worker{of("a", 2, 0, now, 7), of("a", 2, 50, now, 7), of("a", 2, 50, 300, 6)}, []controlplane.GoneNode{{Node: "a", Workers: 2, Snapshot: 6, LastSeenAt: at(300)}}},
		"the last heard from first": {[][]controlplane.Worker{of("a", 1, 0, 100, 6), of("b", 1, 0, 200, 6)},
			[]controlplane.GoneNode{{Node: "b", Workers: 1, Snapshot: 6, LastSeenAt: at(200)}, {Node: "a", Workers: 1, Snapshot: 6, LastSeenAt: at(100)}}},
	} {
		t.Run(name, func(t *testing.T) {
			var all []controlplane.Worker
			for _, w := range tc.workers {
				all = append(all, w...)
			}
			if diff := cmp.Diff(tc.want, controlplane.GoneAmong(all, at(now-1), time.Minute)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
