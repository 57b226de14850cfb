package wire

import (
	"encoding/binary"

	"github.com/weirhq/weir/plugin/internal/frame"
)

func appendLevels(dst []byte, b *Batch) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b.Levels)))
	var last Level
	for _, v := range b.Levels {
		var l frame.Ladder
		dst = binary.AppendUvarint(dst, l.Down(v.Account, last.Account))
		dst = binary.AppendUvarint(dst, l.Down(v.Limit, last.Limit))
		dst = binary.AppendUvarint(dst, l.Down(v.Key, last.Key))
		dst = binary.AppendVarint(dst, v.Remaining)
		dst = binary.AppendVarint(dst, b.SentMS-v.AtMS)
		last = v
	}
	return dst
}

func readLevels(r *frame.Reader, sentMS int64) []Level {
	n := r.List("levels", minLevelBytes, MaxBatchLevels)
	if n == 0 {
		return nil
	}
	levels := make([]Level, n)
	var last Level
	for i := range levels {
		var l frame.Ladder
		v := &levels[i]
		v.Account = l.Up(r.Uvarint("account"), last.Account)
		v.Limit = l.Up(r.Uvarint("limit"), last.Limit)
		v.Key = l.Up(r.Uvarint("key"), last.Key)
		v.Remaining = r.Varint("remaining")
		v.AtMS = sentMS - r.Varint("atMS")
		last = *v
		if r.Err != nil {
			return nil
		}
	}
	return levels
}

func appendVerdicts(dst []byte, b *Batch) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b.Verdicts)))
	var last VerdictKey
	for _, v := range b.Verdicts {
		var l frame.Ladder
		dst = binary.AppendUvarint(dst, l.Down(uint64(v.Minute), uint64(last.Minute)))
		dst = binary.AppendUvarint(dst, l.Down(v.Account, last.Account))
		dst = binary.AppendUvarint(dst, l.Down(v.Limit, last.Limit))
		dst = binary.AppendUvarint(dst, l.Down(uint64(v.Verdict), uint64(last.Verdict)))
		dst = binary.AppendUvarint(dst, v.Requests)
		dst = binary.AppendUvarint(dst, v.Amount)
		last = v.VerdictKey
	}
	return dst
}

func readVerdicts(r *frame.Reader) []VerdictEntry {
	n := r.List("verdicts", minVerdictBytes, MaxBatchVerdicts)
	if n == 0 {
		return nil
	}
	verdicts := make([]VerdictEntry, n)
	var last VerdictKey
	for i := range verdicts {
		var l frame.Ladder
		v := &verdicts[i]
		v.Minute = int64(l.Up(r.Uvarint("minute"), uint64(last.Minute)))
		v.Account = l.Up(r.Uvarint("account"), last.Account)
		v.Limit = l.Up(r.Uvarint("limit"), last.Limit)
		v.Verdict = Verdict(narrow(r, "verdict", l.Up(r.Uvarint("verdict"), uint64(last.Verdict))))
		v.Requests, v.Amount = r.Uvarint("requests"), r.Uvarint("amount")
		last = v.VerdictKey
		if r.Err != nil {
			return nil
		}
	}
	return verdicts
}

// narrow fails for what doesn't fit into a byte.
func narrow(r *frame.Reader, field string, n uint64) byte {
	if n > 0xff {
		r.Fail(field + ": too large")
	}
	return byte(n)
}

func appendDenials(dst []byte, b *Batch) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b.Denials)))
	for i := range b.Denials {
		d := &b.Denials[i]
		dst = binary.AppendVarint(dst, b.SentMS-d.AtMS)
		for _, n := range [...]uint64{d.Account, d.Key, d.Endpoint, d.Limit, uint64(d.Decision), d.RetryAfterMS} {
			dst = binary.AppendUvarint(dst, n)
		}
		for _, s := range [...]string{d.RequestID, d.Method, d.Path} {
			dst = binary.AppendUvarint(dst, uint64(len(s)))
			dst = append(dst, s...)
		}
		dst = binary.AppendUvarint(dst, uint64(len(d.Levels)))
		for _, l := range d.Levels {
			dst = binary.AppendUvarint(dst, l.Limit)
			dst = binary.AppendVarint(dst, l.Remaining)
			dst = binary.AppendUvarint(dst, l.Amount)
		}
	}
	return dst
}

func readDenials(r *frame.Reader, sentMS int64) []Denial {
	n := r.List("denials", minDenialBytes, MaxBatchDenials)
	if n == 0 {
		return nil
	}
	denials := make([]Denial, n)
	for i := range denials {
		d := &denials[i]
		d.AtMS = sentMS - r.Varint("atMS")
		d.Account, d.Key = r.Uvarint("account"), r.Uvarint("key")
		d.Endpoint, d.Limit = r.Uvarint("endpoint"), r.Uvarint("limit")
		d.Decision = Decision(narrow(r, "decision", r.Uvarint("decision")))
		d.RetryAfterMS = r.Uvarint("retryAfterMS")
		d.RequestID, d.Method, d.Path = r.Text("requestID"), r.Text("method"), r.Text("path")
		if levels := r.List("levels", minDenialLevelBytes, MaxDenialLevels); levels > 0 {
			d.Levels = make([]DenialLevel, levels)
		}
		for j := range d.Levels {
			d.Levels[j] = DenialLevel{r.Uvarint("limit"), r.Varint("remaining"), r.Uvarint("amount")}
		}
		if r.Err != nil {
			return nil
		}
	}
	return denials
}
