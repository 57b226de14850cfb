package meter

import (
	"errors"

	"github.com/weirhq/weir/plugin/wire"
)

// Times of the protocol, nanoseconds.
const (
	second = 1_000_000_000

	// MaxFrozen is how many batches may await their commit. Beyond that, usage
	// adds up in the open entries.
	MaxFrozen = wire.MaxFrozen

	heartbeatNS   = 10 * second // the longest silence of an idle source
	askCommitNS   = second / 4  // after what was sent and isn't known to be committed
	recommitNS    = 5 * second  // accepted but not committed for so long: send again
	rejectedNS    = 30 * second // after the edge refused a batch as such
	firstRetryNS  = second / 4  // after an attempt that got no answer, doubling
	longestRetry  = 5 * second
	answerLimitNS = 30 * second // an attempt without an answer for so long is over
)

// ErrReceipt is returned for a receipt that can't be true.
var ErrReceipt = errors.New("receipt covers batches that were never sent")

// Cause says what kept a message from being taken.
type Cause uint8

// The causes.
const (
	Unanswered Cause = iota // nobody answered, or somebody who can't just now
	Rejected                // the edge won't have this message, whoever sends it when
)

// Send is a message to the edge. Sequence 0 is a heartbeat.
type Send struct {
	Sequence uint64
	Body     []byte // encoded wire.Batch; not to be changed
}

type batch struct {
	sequence uint64
	snapshot uint64
	body     []byte
	requests uint64
	dueNS    int64 // when it may be sent (again)
}

// outbox is the frozen batches and what is known about the way to the edge.
type outbox struct {
	frozen   []batch // by sequence
	sequence uint64  // of the last frozen batch
	reported uint64  // snapshot that the edge is known to have heard of

	waiting      bool // for the answer to the message below
	sentSequence uint64
	sentSnapshot uint64

	lastPostNS   int64
	lastFreezeNS int64
	blockedTill  int64 // nothing is sent before
	retryNS      int64 // the next wait after an attempt without an answer; 0 when all is well
}

func (o *outbox) push(b batch) {
	o.sequence = b.sequence
	o.frozen = append(o.frozen, b)
}

func (o *outbox) requests() (sum uint64) {
	for i := range o.frozen {
		sum += o.frozen[i].requests
	}
	return sum
}

func (o *outbox) find(sequence uint64) *batch {
	for i := range o.frozen {
		if o.frozen[i].sequence == sequence {
			return &o.frozen[i]
		}
	}
	return nil
}

// due returns the batch that has been due for longest, so that those that are
// sent again and again don't hold up the others.
func (o *outbox) due(nowNS int64) (longest *batch) {
	for i := range o.frozen {
		if b := &o.frozen[i]; b.dueNS <= nowNS && (longest == nil || b.dueNS < longest.dueNS) {
			longest = b
		}
	}
	return longest
}

// Next returns the message to send now, if there is one. Only one message is
// under way at a time: until Received or Failed is called, or half a minute has
// passed, there is none. nowNS is the monotonic clock, wallMS the wall clock in
// Unix milliseconds, snapshot the version that the worker runs.
func (m *Meter) Next(nowNS, wallMS int64, snapshot uint64) (Send, bool) {
	o := &m.outbox
	if o.waiting && nowNS-o.lastPostNS < answerLimitNS {
		return Send{}, false
	}
	o.waiting = false
	m.freezeDue(nowNS, wallMS, snapshot)
	if nowNS < o.blockedTill {
		return Send{}, false
	}
	if b := o.due(nowNS); b != nil {
		return o.post(Send{b.sequence, b.body}, nowNS, b.snapshot), true
	}
	if !m.heartbeatDue(nowNS, snapshot) {
		return Send{}, false
	}
	body, err := wire.EncodeBatch(nil, &wire.Batch{
		Source: m.config.Source, Node: m.config.Node, Snapshot: snapshot, SentMS: wallMS,
		BeganMS: m.config.BeganMS, Counted: m.counted,
	})
	if err != nil {
		return Send{}, false
	}
	return o.post(Send{0, body}, nowNS, snapshot), true
}

// freezeDue freezes a batch each flush interval, and with each call while there is
// more than one holds. While nothing can be frozen it tidies up instead.
func (m *Meter) freezeDue(nowNS, wallMS int64, snapshot uint64) {
	switch {
	case len(m.outbox.frozen) >= MaxFrozen:
		m.tidy(wallMS)
	case m.hasOpen() && (m.backlog || nowNS-m.outbox.lastFreezeNS >= m.config.FlushEveryNS):
		m.backlog = m.hasBacklog()
		m.freeze(nowNS, wallMS, snapshot)
	}
}

func (m *Meter) hasOpen() bool {
	return !m.open.empty() || m.hasBacklog() || len(m.levels.notes) > 0 || len(m.denials.sample) > 0
}

// hasBacklog reports whether one batch can't hold all counts.
func (m *Meter) hasBacklog() bool {
	return len(m.shelf.runs) > 0 || !m.ground.empty() || m.open.many()
}

// heartbeatDue: at once when there is a new snapshot to report, soon while the
// commit of something sent is awaited, else now and then.
func (m *Meter) heartbeatDue(nowNS int64, snapshot uint64) bool {
	o := &m.outbox
	silence := nowNS - o.lastPostNS
	return snapshot != o.reported || silence >= heartbeatNS ||
		len(o.frozen) > 0 && silence >= min(askCommitNS, m.config.FlushEveryNS)
}

func (o *outbox) post(s Send, nowNS int64, snapshot uint64) Send {
	o.waiting, o.sentSequence, o.sentSnapshot = true, s.Sequence, snapshot
	o.lastPostNS = nowNS
	return s
}

// Received takes the edge's answer to the message with this sequence. What the
// receipt covers as committed is forgotten. It fails with [ErrReceipt], and does
// nothing, for a receipt from the future; Failed is to be called then.
func (m *Meter) Received(sequence uint64, r wire.Receipt, nowNS int64) error {
	o := &m.outbox
	if r.Committed > o.sequence || r.Accepted > o.sequence {
		return ErrReceipt
	}
	o.answered(sequence)
	o.blockedTill, o.retryNS = 0, 0
	if sequence == o.sentSequence {
		o.reported = o.sentSnapshot
	}
	if b := o.find(sequence); b != nil {
		b.dueNS = nowNS + recommitNS
	}
	kept := o.frozen[:0]
	for _, b := range o.frozen {
		if b.sequence > r.Committed {
			kept = append(kept, b)
		}
	}
	clear(o.frozen[len(kept):])
	o.frozen = kept
	return nil
}

// Failed says that the message with this sequence wasn't taken, or that nobody
// knows. random spreads the retries of many workers.
func (m *Meter) Failed(sequence uint64, why Cause, nowNS int64, random uint32) {
	o := &m.outbox
	o.answered(sequence)
	if b := o.find(sequence); why == Rejected && b != nil {
		b.dueNS = nowNS + rejectedNS
		return
	}
	o.retryNS = min(max(2*o.retryNS, firstRetryNS), longestRetry)
	o.blockedTill = nowNS + o.retryNS/2 + int64(random)%(o.retryNS/2)
}

func (o *outbox) answered(sequence uint64) {
	if sequence == o.sentSequence {
		o.waiting = false
	}
}
