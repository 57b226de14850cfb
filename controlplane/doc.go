// Package controlplane holds Weir's nouns: account, key, tier, limit, endpoint
// and usage, with the rules that make one valid. It imports the standard
// library and the wire formats, and nothing else.
//
// The packages below it follow the two flows, in this order:
//
//	DATA UP
//	filter ─▶ edge ─▶ stream (JetStream) ─▶ rollup ─▶ postgres
//	                                           └─▶ stream (live feed) ─▶ live ─▶ graph (subscriptions)
//
//	POLICY DOWN
//	graph (mutations) ─▶ postgres ─▶ snapshot ─▶ edge (long poll) ─▶ filter
//
//	QUOTAS
//	filter ─▶ edge (what is used) ─▶ quota (who gets how much) ─▶ postgres (ledger) ─▶ edge (leases) ─▶ filter
//
// Beside them, auth says who is asking, sweep ends what nobody ends (leases of
// Envoys that fell silent, old samples of denials), and app wires everything
// together.
//
// Postgres is authoritative for policy and for committed usage. The filter is
// authoritative for usage that Postgres has not committed yet. JetStream and
// the live feed only carry.
package controlplane
