package wire

import (
	"cmp"
	"encoding/binary"
	"math"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// ProcessID names one Envoy process for its lifetime. It is random and outlives
// the process's VMs.
type ProcessID [16]byte

// LeaseReport is what one worker tells of the leases that its Envoy process
// holds: an Envoy's advances on quotas. The numbers are the process's, so every
// worker's report of a lease says the same but for its age.
type LeaseReport struct {
	Process ProcessID
	Node    string      // name of the Envoy, from the plugin's configuration; at most MaxNodeBytes, UTF-8, no control characters
	Held    []HeldLease // sorted strictly by LeaseKey; at most MaxHeldLeases
}

// LeaseKey says whose advance on which quota.
type LeaseKey struct {
	Account uint64
	Key     uint64 // of a quota that each key has to itself; 0 for one that the account's keys share
	Limit   uint64
}

// HeldLease is the standing of one lease. Numbers are units of the limit's
// measure, times are Unix seconds. Granted, Used and Refunded are cumulative for
// this process and the period that began at Start, so that a copy of a report, or
// an old one, does no harm. Epoch and Start tell the period.
type HeldLease struct {
	LeaseKey
	Epoch       uint32 // of the account that the process counts in: it rises whenever the account's counters are reset
	Born        int64  // monotonic nanoseconds at which the process began to count: another than before means that its state was lost
	Start       int64  // 0: the process doesn't know the period yet; Granted is 0 then
	Granted     uint64 // at most MaxLeaseAmount
	Used        uint64 // charged in all; may exceed Granted, at most MaxLeaseAmount; with Start 0, what was let through without a lease
	Refunded    uint64 // given back of Used, at most as much
	Revision    uint64 // of the last LeaseGrant that it took for this period; 0: none
	NextStart   int64  // of the lease it holds for the next period; 0 for none
	NextGranted uint64 // 0 without NextStart; at most MaxLeaseAmount
	Asks        bool   // wants more, or the next period's
	Wants       uint64 // what the requests need that the worker holds for want of it; at most MaxLeaseAmount
	Recent      uint64 // charged in the last four to eight seconds, by which what is granted is sized; at most MaxLeaseAmount
	Plan        uint64 // under which it is kept, of callers whom a claim put on it; 0: the account's own. It comes back with recalls
}

// LeaseReply is the ledger's answer. It may hold recalls of leases that the
// report doesn't name.
type LeaseReply struct {
	TTLSeconds uint32       // within what time the ledger wants another report before it writes off what it doesn't know of, 1 to MaxLeaseTTLSeconds
	Leases     []LeaseGrant // sorted strictly by LeaseKey; at most MaxLeaseGrants
}

// LeaseGrant is what a process may use of a quota. A Granted below what it
// holds is a recall: it keeps what it has used already, and not more.
type LeaseGrant struct {
	LeaseKey
	Born               int64  // as reported; 0: the report didn't name the lease, so this can only be a recall
	Plan               uint64 // as reported last
	Revision           uint64 // rises with every change of the lease, so that an older reply can't undo a newer one; at most MaxNumber
	Start, End         int64  // of the period: Start ≤ t < End, Start at least 1
	Granted            uint64 // cumulative for this process and period; at most MaxLeaseAmount
	Remaining          uint64 // of the quota over all processes, for what clients are told; at most MaxLeaseAmount
	Spent              bool   // nothing is left, nor will be in this period
	NextStart, NextEnd int64  // of the period that follows, from End on; 0 for no lease on it
	NextGranted        uint64 // 0 without NextStart
}

// Bounds of lease reports and replies.
const (
	MaxHeldLeases      = 4096
	MaxLeaseGrants     = 8192
	MaxLeaseTTLSeconds = 86_400
	// MaxLeaseAmount bounds what is granted or used: use may exceed the quota.
	MaxLeaseAmount = 1 << 56
	// MaxLeaseReportBytes and MaxLeaseReplyBytes are longer than any encoding.
	MaxLeaseReportBytes = MaxHeldLeases*maxHeldBytes + 512
	MaxLeaseReplyBytes  = MaxLeaseGrants*maxGrantBytes + 512

	// A varint takes at most 10 bytes, and one of at most MaxLeaseAmount 9.
	maxHeldBytes  = 3*9 + 5 + 10 + 9 + 2*6 + 6*9 + 9 + 1
	maxGrantBytes = 3*9 + 10 + 9 + 4*6 + 3*9 + 9 + 1

	minHeldBytes  = 16
	minGrantBytes = 14
)

// Compare orders leases by account, key and limit. It returns -1, 0 or +1.
func (k LeaseKey) Compare(o LeaseKey) int {
	return cmp.Or(
		cmp.Compare(k.Account, o.Account),
		cmp.Compare(k.Key, o.Key),
		cmp.Compare(k.Limit, o.Limit),
	)
}

// EncodeLeaseReport appends the encoding of r to dst. It fails with [ErrInvalid]
// for one that isn't sorted or is out of bounds.
func EncodeLeaseReport(dst []byte, r *LeaseReport) ([]byte, error) {
	if what := r.fault(); what != "" {
		return nil, frame.Invalid(what)
	}
	start := len(dst)
	dst = append(dst, magicLeaseReport...)
	dst = append(dst, r.Process[:]...)
	dst = binary.AppendUvarint(dst, uint64(len(r.Node)))
	dst = append(dst, r.Node...)
	dst = binary.AppendUvarint(dst, uint64(len(r.Held)))
	var last LeaseKey
	for i := range r.Held {
		h := &r.Held[i]
		dst = appendLeaseKey(dst, h.LeaseKey, last)
		dst = binary.AppendUvarint(dst, uint64(h.Epoch))
		dst = binary.AppendVarint(dst, h.Born)
		for _, n := range [...]uint64{uint64(h.Start), h.Granted, h.Used, h.Refunded, h.Revision,
			uint64(h.NextStart), h.NextGranted, h.Wants, h.Recent, h.Plan} {
			dst = binary.AppendUvarint(dst, n)
		}
		dst = append(dst, bit(h.Asks))
		last = h.LeaseKey
	}
	return frame.Seal(dst, start), nil
}

// DecodeLeaseReport is the inverse of EncodeLeaseReport. It keeps no reference
// to data and fails with [ErrMalformed].
func DecodeLeaseReport(data []byte) (*LeaseReport, error) {
	body, err := bounded(data, magicLeaseReport, MaxLeaseReportBytes)
	if err != nil {
		return nil, err
	}
	in := &frame.Reader{Rest: body}
	r := new(LeaseReport)
	copy(r.Process[:], in.Bytes("process", len(r.Process)))
	r.Node = in.Text("node")
	n := in.List("held", minHeldBytes, MaxHeldLeases)
	if n > 0 {
		r.Held = make([]HeldLease, n)
	}
	var last LeaseKey
	for i := range r.Held {
		h := &r.Held[i]
		h.LeaseKey = readLeaseKey(in, last)
		h.Epoch = readEpoch(in)
		h.Born = in.Varint("born")
		h.Start = int64(in.Uvarint("start"))
		h.Granted = in.Uvarint("granted")
		h.Used = in.Uvarint("used")
		h.Refunded = in.Uvarint("refunded")
		h.Revision = in.Uvarint("revision")
		h.NextStart = int64(in.Uvarint("nextStart"))
		h.NextGranted = in.Uvarint("nextGranted")
		h.Wants = in.Uvarint("wants")
		h.Recent = in.Uvarint("recent")
		h.Plan = in.Uvarint("plan")
		h.Asks = readFlag(in, "asks")
		last = h.LeaseKey
	}
	if err := in.End(); err != nil {
		return nil, err
	}
	if what := r.fault(); what != "" {
		return nil, frame.Malformed(what)
	}
	return r, nil
}

// EncodeLeaseReply appends the encoding of r to dst. It fails with [ErrInvalid]
// for one that isn't sorted or is out of bounds.
func EncodeLeaseReply(dst []byte, r *LeaseReply) ([]byte, error) {
	if what := r.fault(); what != "" {
		return nil, frame.Invalid(what)
	}
	start := len(dst)
	dst = append(dst, magicLeaseReply...)
	dst = binary.AppendUvarint(dst, uint64(r.TTLSeconds))
	dst = binary.AppendUvarint(dst, uint64(len(r.Leases)))
	var last LeaseKey
	for i := range r.Leases {
		g := &r.Leases[i]
		dst = appendLeaseKey(dst, g.LeaseKey, last)
		dst = binary.AppendVarint(dst, g.Born)
		for _, n := range [...]uint64{g.Revision, uint64(g.Start), uint64(g.End), g.Granted, g.Remaining,
			uint64(g.NextStart), uint64(g.NextEnd), g.NextGranted, g.Plan} {
			dst = binary.AppendUvarint(dst, n)
		}
		dst = append(dst, bit(g.Spent))
		last = g.LeaseKey
	}
	return frame.Seal(dst, start), nil
}

// DecodeLeaseReply is the inverse of EncodeLeaseReply. It keeps no reference to
// data and fails with [ErrMalformed].
func DecodeLeaseReply(data []byte) (*LeaseReply, error) {
	body, err := bounded(data, magicLeaseReply, MaxLeaseReplyBytes)
	if err != nil {
		return nil, err
	}
	in := &frame.Reader{Rest: body}
	r := new(LeaseReply)
	ttl := in.Uvarint("ttlSeconds")
	r.TTLSeconds = uint32(min(ttl, MaxLeaseTTLSeconds+1))
	n := in.List("leases", minGrantBytes, MaxLeaseGrants)
	if n > 0 {
		r.Leases = make([]LeaseGrant, n)
	}
	var last LeaseKey
	for i := range r.Leases {
		g := &r.Leases[i]
		g.LeaseKey = readLeaseKey(in, last)
		g.Born, g.Revision = in.Varint("born"), in.Uvarint("revision")
		g.Start, g.End = int64(in.Uvarint("start")), int64(in.Uvarint("end"))
		g.Granted, g.Remaining = in.Uvarint("granted"), in.Uvarint("remaining")
		g.NextStart, g.NextEnd = int64(in.Uvarint("nextStart")), int64(in.Uvarint("nextEnd"))
		g.NextGranted = in.Uvarint("nextGranted")
		g.Plan = in.Uvarint("plan")
		g.Spent = readFlag(in, "spent")
		last = g.LeaseKey
	}
	if err := in.End(); err != nil {
		return nil, err
	}
	if what := r.fault(); what != "" {
		return nil, frame.Malformed(what)
	}
	return r, nil
}

// bounded unseals data of at most most bytes.
func bounded(data []byte, magic string, most int) ([]byte, error) {
	if len(data) > most {
		return nil, frame.Malformed(frame.OutOfRange("length in bytes", uint64(len(data)), 0, uint64(most)))
	}
	return frame.Unseal(data, magic)
}

func appendLeaseKey(dst []byte, k, last LeaseKey) []byte {
	var l frame.Ladder
	dst = binary.AppendUvarint(dst, l.Down(k.Account, last.Account))
	dst = binary.AppendUvarint(dst, l.Down(k.Key, last.Key))
	return binary.AppendUvarint(dst, l.Down(k.Limit, last.Limit))
}

func readLeaseKey(r *frame.Reader, last LeaseKey) (k LeaseKey) {
	var l frame.Ladder
	k.Account = l.Up(r.Uvarint("account"), last.Account)
	k.Key = l.Up(r.Uvarint("key"), last.Key)
	k.Limit = l.Up(r.Uvarint("limit"), last.Limit)
	return k
}

func readEpoch(r *frame.Reader) uint32 {
	n := r.Uvarint("epoch")
	if n > math.MaxUint32 {
		r.Fail(frame.OutOfRange("epoch", n, 0, math.MaxUint32))
	}
	return uint32(n)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func readFlag(r *frame.Reader, field string) bool {
	b := r.Byte(field)
	if b > 1 {
		r.Fail(field + ": neither 0 nor 1")
	}
	return b == 1
}
