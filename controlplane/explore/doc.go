// Package explore is the arithmetic of questions about usage: which points a
// question has in a time zone, which rollups answer it exactly and which part of
// each, what it is compared with, and what is too large to be asked. It is pure;
// nothing here touches a clock, a network or a disk.
//
// In comes a [Question], and from when on each rollup has everything; out goes a
// [Plan], or an error that names the field to change. A plan's parts do not
// overlap and cover its range, and no bucket of a part lies in two points: so
// the sums over the parts are those over the minutes, whichever rollups they are
// read from.
//
// Most parts are read from cubes, which are sums of a rollup's bucket over some of
// its dimensions: a [Roller] makes them of the rollup's rows and [Pack] packs them;
// a [Ranking], a [Fold], a [Callers] and a [Meter] add packs up. All sums are exact,
// or an error.
package explore
