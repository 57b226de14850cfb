package wire

import (
	"cmp"

	"github.com/weirhq/weir/plugin/internal/frame"
)

// fault says what is out of bounds or contradicts itself in r, and where;
// "" for nothing. Encoder and decoder both keep to it.
func (r *LeaseReport) fault() string {
	switch {
	case r.Process == ProcessID{}:
		return "process: all zero"
	case len(r.Held) > MaxHeldLeases:
		return frame.OutOfRange("held", uint64(len(r.Held)), 0, MaxHeldLeases)
	}
	if what := frame.TextFault("node", r.Node, 0, MaxNodeBytes); what != "" {
		return what
	}
	var last LeaseKey
	for i := range r.Held {
		h := &r.Held[i]
		if what := cmp.Or(h.LeaseKey.fault(last), h.fault()); what != "" {
			return frame.Element("held", i) + what
		}
		last = h.LeaseKey
	}
	return ""
}

// fault says what is wrong with k when last is the key before it.
func (k LeaseKey) fault(last LeaseKey) string {
	switch {
	case k.Account-1 >= MaxNumber:
		return frame.OutOfRange(".account", k.Account, 1, MaxNumber)
	case k.Key > MaxNumber:
		return frame.OutOfRange(".key", k.Key, 0, MaxNumber)
	case k.Limit-1 >= MaxNumber:
		return frame.OutOfRange(".limit", k.Limit, 1, MaxNumber)
	case k.Compare(last) <= 0:
		return ": not after the one before in the order of keys"
	}
	return ""
}

func (h *HeldLease) fault() string {
	switch {
	case !isTime(h.Start):
		return ".start: not in the years 1970 to 9999"
	case !isTime(h.NextStart):
		return ".nextStart: not in the years 1970 to 9999"
	case h.Granted > MaxLeaseAmount:
		return frame.OutOfRange(".granted", h.Granted, 0, MaxLeaseAmount)
	case h.Used > MaxLeaseAmount:
		return frame.OutOfRange(".used", h.Used, 0, MaxLeaseAmount)
	case h.Refunded > h.Used:
		return frame.OutOfRange(".refunded", h.Refunded, 0, h.Used)
	case h.NextGranted > MaxLeaseAmount:
		return frame.OutOfRange(".nextGranted", h.NextGranted, 0, MaxLeaseAmount)
	case h.Wants > MaxLeaseAmount:
		return frame.OutOfRange(".wants", h.Wants, 0, MaxLeaseAmount)
	case h.Recent > MaxLeaseAmount:
		return frame.OutOfRange(".recent", h.Recent, 0, MaxLeaseAmount)
	case h.Plan > MaxNumber:
		return frame.OutOfRange(".plan", h.Plan, 0, MaxNumber)
	case h.Revision > MaxNumber:
		return frame.OutOfRange(".revision", h.Revision, 0, MaxNumber)
	case h.Start == 0 && h.Granted != 0:
		return ".start: 0 with something granted"
	case h.NextStart == 0 && h.NextGranted != 0:
		return ".nextStart: 0 with something granted"
	}
	return ""
}

// fault is as that of LeaseReport.
func (r *LeaseReply) fault() string {
	switch {
	case r.TTLSeconds < 1 || r.TTLSeconds > MaxLeaseTTLSeconds:
		return frame.OutOfRange("ttlSeconds", uint64(r.TTLSeconds), 1, MaxLeaseTTLSeconds)
	case len(r.Leases) > MaxLeaseGrants:
		return frame.OutOfRange("leases", uint64(len(r.Leases)), 0, MaxLeaseGrants)
	}
	var last LeaseKey
	for i := range r.Leases {
		g := &r.Leases[i]
		if what := cmp.Or(g.LeaseKey.fault(last), g.fault()); what != "" {
			return frame.Element("leases", i) + what
		}
		last = g.LeaseKey
	}
	return ""
}

func (g *LeaseGrant) fault() string {
	switch {
	case g.Revision > MaxNumber:
		return frame.OutOfRange(".revision", g.Revision, 0, MaxNumber)
	case g.Plan > MaxNumber:
		return frame.OutOfRange(".plan", g.Plan, 0, MaxNumber)
	case g.Start < 1 || !isTime(g.End) || g.End <= g.Start:
		return ".start, .end: not a period in the years 1970 to 9999"
	case g.Granted > MaxLeaseAmount:
		return frame.OutOfRange(".granted", g.Granted, 0, MaxLeaseAmount)
	case g.Remaining > MaxLeaseAmount:
		return frame.OutOfRange(".remaining", g.Remaining, 0, MaxLeaseAmount)
	case g.NextGranted > MaxLeaseAmount:
		return frame.OutOfRange(".nextGranted", g.NextGranted, 0, MaxLeaseAmount)
	case g.NextStart == 0 && (g.NextEnd != 0 || g.NextGranted != 0):
		return ".nextStart: 0 with an end or something granted"
	case g.NextStart != 0 && (g.NextStart < g.End || !isTime(g.NextEnd) || g.NextEnd <= g.NextStart):
		return ".nextStart, .nextEnd: not a period after end"
	}
	return ""
}

// isTime says whether seconds is a Unix time in the years 1970 to 9999.
func isTime(seconds int64) bool { return seconds >= 0 && seconds <= MaxTimeMS/1000 }
