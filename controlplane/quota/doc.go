// Package quota is the arithmetic of quotas: when a period begins and ends, and
// how a quota is shared out among the Envoy processes that use it up. It is
// pure; nothing here touches a clock, a network or a disk.
//
// A process works on an advance, its [Lease]: so many units that it may use
// without asking. A [Ledger] has the sums over all leases of one quota in one
// period. What the quota is made of:
//
//	amount = consumed + outstanding + unleased
//
// Consumed is what processes reported as used of their leases, less what they gave
// back, and what was written off. Outstanding is what they may use still. Together
// they are what is committed. The guarantee is that a ledger never commits more
// than the amount, whatever is lost, copied, late or out of order on the way; so
// processes that use no more than their leases together use no more than the quota.
//
// What a process uses beyond its lease, as it lets requests through while it can't
// know it, or as the bytes of a response are charged in the end, is covered from
// what is unleased, and is consumed then. What that isn't enough for is overspent, a
// figure of its own, until there is something to cover it. Beyond the amount go only
// leases that a process hasn't been told of yet, when the amount was lowered or the
// counters were reset, and those of a database that lost commits.
//
// # How much is granted
//
// As much as a process is likely to use: what its waiting requests need now, and
// beside that as much as it used in the last four to eight seconds, or the least
// that is worth a grant, if that is more. So a grant doubles, at most, what is used
// in that time, and a process that dies takes no more with it. One that has become
// idle is recalled to the least. When a process lacks something that others hold,
// it is recalled from them, and they are to be told at once.
//
// No clock is part of the guarantee. A process that falls silent is closed: what
// it may have used without a report is written off, so it counts as consumed and
// is nobody's. Closing commits nothing and frees nothing. If the process was only
// cut off, its next report opens the lease again, and written off shrinks by
// what it did not use.
//
// Numbers are cumulative, in both directions: what a process used, gave back and
// was granted since the period began. So a copy says nothing new, and a lost grant
// is part of the next one. Only a recall takes a number back, and therefore
// leases have revisions: what was recalled is committed until the process shows
// the recall's revision, after which it ignores older grants that are still on
// their way.
package quota
