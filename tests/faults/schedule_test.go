package faults

import (
	"strings"
	"testing"
)

func TestASeedAlwaysGivesTheSameSchedule(t *testing.T) {
	different := map[string]bool{}
	for seed := range uint64(200) {
		a, b := newSchedule(seed).String(), newSchedule(seed).String()
		if a != b {
			t.Errorf("seed %d gave\n%s\nand then\n%s", seed, a, b)
		}
		different[a] = true
	}
	if len(different) != 200 {
		t.Errorf("200 seeds gave %d different schedules", len(different))
	}
}

// TestAHundredSchedulesHaveEveryFault makes sure that no fault is there by name only.
func TestAHundredSchedulesHaveEveryFault(t *testing.T) {
	var all strings.Builder
	for seed := uint64(1); seed <= 100; seed++ {
		all.WriteString(newSchedule(seed).String())
	}
	for _, fault := range []string{
		"control plane 1 is killed", "control plane 2 is killed for good", "control plane 1 is stopped", "control plane 2 is stopped",
		"NATS is killed\n", "NATS is stopped", "the store is deleted\n", "the store is deleted under NATS", "the store is deleted under control plane", "a bit of the store flips",
		"Postgres is killed\n", "of Postgres is killed", "Postgres is stopped",
		"loses the next commit", "loses the answer to the next commit", "between the next commit of control plane 2 and the answer to it",
		"edge is cut", "postgres 1 is cut", "nats 2 is cut", "Envoy is stopped", "Envoy is killed\n", "the link edge is cut",
		"the link edge gets", "the link postgres 2 gets", "the link nats 1 gets",
		"stream latency", "stream slow_close", "stream reset_peer", "stream limit_data", "stream timeout", "stream bandwidth", "stream slicer",
	} {
		if !strings.Contains(all.String(), fault) {
			t.Errorf("in 100 schedules never: %s", fault)
		}
	}
}
