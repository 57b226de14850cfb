package controlplane_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/plugin/wire"
)

func TestProgressOfARollout(t *testing.T) {
	made := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	after := func(ms int) time.Time { return made.Add(time.Duration(ms) * time.Millisecond) }
	worker := func(source byte, node string, snapshot uint64, seenFirst time.Time) controlplane.Worker {
		return controlplane.Worker{Source: wire.SourceID{source}, Node: node, Snapshot: snapshot, FirstSeenAt: seenFirst}
	}
	confirmed := func(source byte, snapshot uint64, at time.Time) controlplane.Confirmation {
		return controlplane.Confirmation{Source: wire.SourceID{source}, Snapshot: snapshot, At: at}
	}
	seven := controlplane.PolicyVersion{Version: 7, MadeAt: made}
	long := made.Add(-time.Hour)
	for name, c := range map[string]struct {
		rollout controlplane.Rollout
		version controlplane.PolicyVersion
		want    controlplane.RolloutProgress
	}{
		"the slowest worker tells how long it took": {
			controlplane.Rollout{
				Workers:       []controlplane.Worker{worker(1, "a", 7, long), worker(2, "a", 7, long)},
				Confirmations: []controlplane.Confirmation{confirmed(1, 7, after(100)), confirmed(2, 7, after(300)), confirmed(2, 6, after(-50))},
			},
			seven,
			controlplane.RolloutProgress{PolicyVersion: seven, Confirmed: 2, Of: 2, Took: 300 * time.Millisecond},
		},
		"a later snapshot carries it too, and the first that does counts": {
			controlplane.Rollout{
				Workers:       []controlplane.Worker{worker(1, "a", 9, long)},
				Confirmations: []controlplane.Confirmation{confirmed(1, 9, after(900)), confirmed(1, 8, after(200))},
			},
			seven,
			controlplane.RolloutProgress{PolicyVersion: seven, Confirmed: 1, Of: 1, Took: 200 * time.Millisecond},
		},
		"who began later runs it, and does not tell how long it took": {
			controlplane.Rollout{
				Workers:       []controlplane.Worker{worker(1, "a", 7, long), worker(2, "b", 7, after(5000))},
				Confirmations: []controlplane.Confirmation{confirmed(1, 7, after(100)), confirmed(2, 7, after(5100))},
			},
			seven,
			controlplane.RolloutProgress{PolicyVersion: seven, Confirmed: 2, Of: 2, Took: 100 * time.Millisecond},
		},
		"nodes that are behind are named once, by name": {
			controlplane.Rollout{
				Workers: []controlplane.Worker{worker(1, "b", 6, long), worker(2, "b", 6, long), worker(3, "a", 0, after(10))},
			},
			seven,
			controlplane.RolloutProgress{PolicyVersion: seven, Of: 3, Took: -1, Behind: []string{"a", "b"}},
		},
		"of a version that is forgotten nobody knows how long it took": {
			controlplane.Rollout{
				Workers:       []controlplane.Worker{worker(1, "a", 7, long)},
				Confirmations: []controlplane.Confirmation{confirmed(1, 7, after(100))},
			},
			controlplane.PolicyVersion{Version: 3},
			controlplane.RolloutProgress{PolicyVersion: controlplane.PolicyVersion{Version: 3}, Confirmed: 1, Of: 1, Took: -1},
		},
		"a clock that was set back makes no time negative": {
			controlplane.Rollout{
				Workers:       []controlplane.Worker{worker(1, "a", 7, long)},
				Confirmations: []controlplane.Confirmation{confirmed(1, 7, after(-20))},
			},
			seven,
			controlplane.RolloutProgress{PolicyVersion: seven, Confirmed: 1, Of: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, c.rollout.Progress(c.version)); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
		})
	}
}
