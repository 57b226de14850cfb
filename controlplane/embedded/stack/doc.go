// Package stack runs all of Weir on one machine: Postgres, JetStream, the control
// plane, a demo upstream, and an Envoy with the filter.
//
// In come a data directory, addresses and where the parts' binaries are; out
// comes a stack that answers requests. It starts in the order in which the parts
// need each other and stops the other way round, so that no usage is lost: Envoy
// hands over what it counted, the control plane commits it, then Postgres stops.
// Everything that has to survive is in the data directory; a killed stack leaves
// no process behind and starts again from it.
//
//	lock            held by the process that runs the stack
//	postgres/       see package embedded/postgres
//	jetstream/      usage on its way to Postgres
//	node-token      what Envoy shows the control plane
//	api-token       what scripts show the control plane
//	database-url    of the running Postgres, for the weir command
//	envoy.yaml      made anew at each start
//	logs/           one file a part
package stack
