// Package meter keeps what one worker has counted until the database has it.
//
// In come finished requests ([Meter.Count]), the standing of limits
// ([Meter.Observe]), the edge's answers ([Meter.Received], [Meter.Failed]) and
// the time; out come the messages to send ([Meter.Next]). The package is pure:
// it reads no clock and does no I/O, so it can be run in virtual time. It is not
// safe for concurrent use: it belongs to one VM, which has one thread.
//
// Usage passes through three places:
//
//	Count ─▶ open ─(freeze: next sequence number)─▶ frozen ─(receipt: committed)─▶ forgotten
//
// The guarantee: what was counted is in exactly one frozen batch, a frozen
// batch never changes, and it is sent again until a receipt says that the
// database has committed it. With (source, sequence) unique in the database,
// every request is counted there exactly once, whatever is lost, repeated or
// restarted on the way. Only the end of the VM loses anything: what was open or
// frozen then is missing from the source's sequence.
//
// Memory is bounded. While few batches are committed, usage goes on adding up in
// the open entries; when there are too many of those, new ones are folded into
// coarser ones, so that detail is lost but never a count.
package meter
