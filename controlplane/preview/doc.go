// Package preview says what limits would have done to usage that was counted: how
// many requests of which accounts they would have throttled, and when.
//
// In come limits, those that accounts have today, and the rows of usage by the minute,
// in order; out goes a [Report]. It is pure and keeps nothing; the store reads the rows
// and streams them. Both lists of limits are played the same, side by side.
//
// # What is known, and what is not
//
// Usage is stored by the minute, so the order of requests within one isn't known.
// So there are two answers, and what really would have happened lies between them:
//
//   - atLeast: requests come as it suits the limits best, spread as far as that
//     lets the most of them through.
//   - atMost: requests come as it suits the limits worst, all at one moment of each
//     minute, and at the moments that are the worst beside those of other minutes.
//
// The limits begin with `From`: buckets are full and windows empty. Quotas have what
// was let through since their periods began, see [Replay.Begin]; of the start of a
// period that rollups no longer tell from what was before, they surely have nothing and
// possibly all. What was throttled then counts as asked for; what its callers did instead, such as
// to ask again, can't be known. A minute is that in which an answer was through.
//
// For limits of requests, both are strict: package limit, given the same requests in
// any order, denies no fewer and no more (a test plays it). They hold for a whole
// account, and for everything up to any minute, in sum. With limits of bytes and
// cost the average request of each minute stands for all, and both are estimates.
// Adaptive rules, refunds, resets, failures and the shares of several Envoys are left out.
package preview
