package wire

import (
	"encoding/binary"

	"github.com/weirhq/weir/plugin/internal/frame"
)

func appendMeters(dst []byte, b *Batch) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b.Meters)))
	var last MeterKey
	for i := range b.Meters {
		var l frame.Ladder
		m := &b.Meters[i]
		dst = binary.AppendUvarint(dst, l.Down(uint64(m.Minute), uint64(last.Minute)))
		dst = binary.AppendUvarint(dst, l.Down(m.Account, last.Account))
		dst = binary.AppendUvarint(dst, l.Down(m.Key, last.Key))
		dst = binary.AppendUvarint(dst, l.Down(m.Endpoint, last.Endpoint))
		dst = binary.AppendUvarint(dst, l.Down(m.Tier, last.Tier))
		dst = binary.AppendUvarint(dst, l.Down(m.Meter, last.Meter))
		dst = binary.AppendUvarint(dst, m.Requests)
		dst = binary.AppendUvarint(dst, m.Amount)
		last = m.MeterKey
	}
	return dst
}

func readMeters(r *frame.Reader) []MeterEntry {
	n := r.List("meters", minMeterBytes, MaxBatchMeters)
	if n == 0 {
		return nil
	}
	meters := make([]MeterEntry, n)
	var last MeterKey
	for i := range meters {
		var l frame.Ladder
		m := &meters[i]
		m.Minute = int64(l.Up(r.Uvarint("minute"), uint64(last.Minute)))
		m.Account = l.Up(r.Uvarint("account"), last.Account)
		m.Key = l.Up(r.Uvarint("key"), last.Key)
		m.Endpoint = l.Up(r.Uvarint("endpoint"), last.Endpoint)
		m.Tier = l.Up(r.Uvarint("tier"), last.Tier)
		m.Meter = l.Up(r.Uvarint("meter"), last.Meter)
		m.Requests, m.Amount = r.Uvarint("requests"), r.Uvarint("amount")
		last = m.MeterKey
		if r.Err != nil {
			return nil
		}
	}
	return meters
}

func (b *Batch) metersFault() string {
	var requests, amount uint64
	for i := range b.Meters {
		m := &b.Meters[i]
		what := m.fault()
		// Both sums are at most MaxBatchTotal before, so they can't overflow.
		requests += min(m.Requests, MaxBatchTotal+1)
		amount += min(m.Amount, MaxBatchTotal+1)
		switch {
		case what != "":
		case i > 0 && b.Meters[i-1].Compare(m.MeterKey) >= 0:
			what = ": not after the one before in the order of keys"
		case requests > MaxBatchTotal || amount > MaxBatchTotal:
			what = ": a count of the batch sums up to more than " + frame.Decimal(MaxBatchTotal)
		}
		if what != "" {
			return frame.Element("meters", i) + what
		}
	}
	return ""
}

func (m *MeterEntry) fault() string {
	switch {
	case m.Minute < 0 || m.Minute > MaxTimeMS/60_000:
		return ".minute: not in the years 1970 to 9999"
	case m.Account > MaxNumber:
		return frame.OutOfRange(".account", m.Account, 0, MaxNumber)
	case m.Key > MaxNumber:
		return frame.OutOfRange(".key", m.Key, 0, MaxNumber)
	case m.Endpoint > MaxNumber:
		return frame.OutOfRange(".endpoint", m.Endpoint, 0, MaxNumber)
	case m.Tier > MaxNumber:
		return frame.OutOfRange(".tier", m.Tier, 0, MaxNumber)
	case m.Meter-1 >= MaxNumber:
		return frame.OutOfRange(".meter", m.Meter, 1, MaxNumber)
	case m.Requests == 0:
		return ".requests: 0"
	}
	return ""
}
