// Command bench measures what Weir costs, beside what else there is to choose.
//
//	bench [-passes N] [-only none,empty,weir]     side by side, for make bench
//	bench long [-requests N] [-keys N]            ten million requests, for make bench-long
//	bench upstream ADDRESS                        the server behind all of them
//
// In come build/weir.wasm and the programs that make tools and make bench-tools
// install; out go figures on the standard output and a section of RESULTS.md.
//
// Every contender is a real Envoy with the shipped configuration, in which only
// the filter differs. They all run at once, but only one has work at a time:
// they take turns in the order A B C C B A, so that a machine that gets slower
// or faster meanwhile treats them alike, and each figure is compared with the
// one that another contender got in the same pass.
//
// Rates and CPU come from a closed loop: so many connections, each with one
// request under way. CPU is user and system time of the contender's processes
// over completed requests. Latencies come from an open loop: requests are due at
// fixed times, whatever became of those before, and are timed from when they
// were due, so a stall counts for every request that it kept waiting.
package main
