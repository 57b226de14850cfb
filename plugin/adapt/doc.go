// Package adapt tightens a limit while its upstream is in trouble, and lets it
// recover.
//
// In come counts of requests that ended, of which so many failed or were slow,
// and the time; out goes the state that follows, one byte value of 40 bytes. What
// the limit's amount and burst are to be multiplied by is read from it, in
// thousandths. The package is pure: it keeps nothing, reads no clock and does no
// I/O. Who calls it stores the bytes where all worker threads see them and
// replaces them by compare-and-swap. What survives a crash is whatever holds them.
//
// The factor follows additive increase, multiplicative decrease (Chiu and Jain,
// Analysis of the Increase and Decrease Algorithms for Congestion Avoidance in
// Computer Networks, 1989), the rule by which TCP shares a link: every second in
// which too many requests failed or were slow takes it down to 0.7 of what it was,
// at most to the floor; every other second brings it up by 0.05, at most to 1.
//
// A verdict needs 20 requests. Where a second brings fewer, what it brought is
// kept for up to 10 s until there are that many; meanwhile the factor rises unless
// what there is already looks bad, then it waits. Seconds without any requests
// bring it up: nothing shows that the upstream still is in trouble.
//
// So under steady trouble at 20 requests a second or more, a limit is at a floor
// of 10% after 8 seconds, and of 1% after 14; without trouble it is whole again
// after at most 20 seconds, plus up to 10 for the evidence of before to pass.
package adapt
