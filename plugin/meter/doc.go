// Package meter keeps what one worker has counted until the database has it.
//
// In come finished requests ([Meter.Count]), what upstreams declared of them
// ([Meter.Declare]), paths that no endpoint matched ([Meter.Miss]), the verdicts
// of limits ([Meter.Judge]), their standing ([Meter.Observe]), the edge's answers ([Meter.Received], [Meter.Failed]) and
// the time; out come the messages to send ([Meter.Next]). The package is pure:
// it reads no clock and does no I/O, so it can be run in virtual time. It is not
// safe for concurrent use: it belongs to one VM, which has one thread.
//
// Usage passes through these places:
//
//	Count ─▶ open ──(freeze: next sequence number)──▶ frozen ─(receipt: committed)─▶ forgotten
//	           │                                        ▲
//	           └─▶ shelf ─(oldest first)────────────────┤     while nothing is committed
//	                 └─▶ ground ────────────────────────┘     and the shelf is full
//
// The guarantee: what was counted is in exactly one frozen batch, a frozen
// batch never changes, and it is sent again until a receipt says that the
// database has committed it. With (source, sequence) unique in the database,
// every request is counted there exactly once, whatever is lost, repeated or
// restarted on the way. Only the end of the VM loses anything: what was not
// committed then is missing from the source's sequence, and the last batch or
// heartbeat that arrived says how many requests the source had counted.
//
// # Outages
//
// While [MaxFrozen] batches await their commit, usage adds up in the open counts.
// Those of a minute that is over are put on the shelf: sorted and encoded, about
// 25 bytes for an entry and 2.5 more for each bin of its latencies. When the shelf
// is full, its oldest runs are folded, each step giving up the detail that is
// missed least:
//
//  1. the latencies,
//  2. the key and the endpoint,
//  3. the tier and the status,
//  4. the minute: the beginning of its quarter of an hour stands for it (periods
//     of all time zones begin at one), and what is folded so far is the ground.
//
// Only when the ground is full, with more than 32,000 pairs of account and quarter
// of an hour, does it give up the quarter, and with more than 49,000 the account.
// Requests, costs, bytes and declared amounts are never lost, and stay exact by
// whatever is still told apart. An hour at 5,000 requests a second of 1,000
// accounts with 3 endpoints and 2 statuses, 360,000 entries, loses nothing but
// part of its latencies.
//
// When the edge is back, a batch follows each receipt, without waiting for the
// flush interval: what paces the drain is how often batches are committed, of
// which MaxFrozen are under way at a time. At one commit a second that hour is
// drained in about 35 seconds.
//
// # Bounds
//
// A meter keeps at most 64 MB, and little of that with few accounts or while
// batches are committed:
//
//	open     24,576 entries, 200,000 latency bins, 8,192 custom meters and verdicts   12 MB
//	shelf    encoded                                                                  20 MB
//	ground   51,456 entries, 24,832 custom meters, 28,672 verdicts                    13 MB
//	frozen   8 batches of at most 2 MB, 0.2 MB as a rule                              16 MB
//	levels   8,192, and 256 denials; 8 unmatched paths; room to encode in              3 MB
//
// Garbage comes on top, as much as the collector lets there be.
//
// A call of Next does one piece of work: it freezes, shelves or folds at most
// 4,096 entries and 32,768 bins, which takes some 5 ms natively; what was shelved
// is frozen in 0.3 ms. Counting does so only when more new sorts of usage turn up
// between two calls of Next than the open counts hold.
package meter
