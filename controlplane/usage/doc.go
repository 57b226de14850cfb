// Package usage is the meter's arithmetic: what batches add to the rollups,
// which batches were counted before, and what was counted and never came. It is
// pure; nothing here touches a clock, a network or a disk.
//
// In come batches in any order, perhaps more than once; out go the rows that
// they add to each level, and the ledger that tells a batch from its copy. Every
// level is the sum of the finer one: nothing is counted in one and not in another,
// but for what a level doesn't keep (see [Terms]).
package usage
