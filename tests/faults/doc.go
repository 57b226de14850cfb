// Package faults runs Weir as separate processes, breaks them and the links
// between them as a seed says, and compares what clients saw with what the
// database has in the end. The difference has to be 0.
//
// In comes a seed; out comes whether every request was counted once. Nothing
// survives but the logs of a schedule that failed.
//
// # A world
//
//	clients ─▶ Envoy with the filter ─▶ upstream, in this process
//	              │
//	            [edge]            one way for both, each connection to another
//	              ├──────────────┐
//	              ▼              ▼
//	           weir serve     weir serve
//	            │      │       │      │
//	         [nats] [postgres] [nats] [postgres]
//	            ▼      ▼       ▼      ▼
//	          NATS with JetStream, Postgres
//
// What stands in brackets is a toxiproxy, which cuts, delays, throttles, resets
// and swallows. Behind those of Postgres there is a tap, which knows Postgres's
// protocol: it can cut a connection, or kill the server, between a commit and the
// answer to it. Everything else is a process with the binary that users run, so
// it can be killed or stopped at any instruction. One schedule in five is for a
// world without NATS, in which each control plane has a JetStream in it.
//
// # A schedule
//
// A seed decides the traffic, and which faults begin and end when: the order is
// the seed's, the moments are as exact as the machine is. Meanwhile every request
// must get the answer that the policy and the upstream give: the request path
// waits for nobody. Then everything heals, and within drainWithin the database
// has to have it all:
//
//   - the same requests by account, key, endpoint, status, decision and minute; a
//     request around the end of a minute may be in the one or the other
//   - the same declared amounts by account, key, endpoint and meter
//   - each level the sum of the one below, in UTC and in the accounts' time zones
//   - what was sent by each source, which is counted in another way
//   - no unaccounted usage
//
// Schedules that kill Envoy can't have a difference of 0: what it had not sent is
// gone. There the difference is at most what the query of unaccounted usage says, also
// when Envoy had no edge for a while before: it says more then, or that nobody knows.
//
// A world plays one schedule after the other and is compared as a whole each time,
// so that what comes late, or twice, is found too. Several worlds play side by
// side: most of the time is spent waiting.
//
// # Replay
//
//	make test-faults                 100 schedules, and all planted bugs
//	make test-faults SEEDS=500 FROM=1000
//	go test ./tests/faults -run TestUsageIsExactUnderRealFaults -v -seed 17
//
// A schedule that fails prints the last of these for its seed, and what it did.
// The harness is tested by planted bugs, each of which it has to find; see
// TestPlantedBugsAreFound. Without flags it plays three schedules and looks for one
// bug.
package faults
