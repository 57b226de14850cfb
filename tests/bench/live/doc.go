// Command live measures live subscriptions: what subscribers cost the control
// plane, beside gqlgen's own transport with a channel for each of them, and how
// soon a request is seen.
//
// It starts a Postgres of its own and, for each measurement, a control plane as a
// child process, of which it reads the CPU clock. Subscribers are real WebSockets,
// opened by this process. Requests are batches as filter workers send them, posted
// to the edge: on the way from there to a subscriber everything is what runs in
// production. It writes tests/bench/RESULTS-LIVE.md.
package main
