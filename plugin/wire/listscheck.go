package wire

import "github.com/weirhq/weir/plugin/internal/frame"

func (b *Batch) levelsFault() string {
	for i, l := range b.Levels {
		what := ""
		switch {
		case l.Account-1 >= MaxNumber:
			what = frame.OutOfRange(".account", l.Account, 1, MaxNumber)
		case l.Limit-1 >= MaxNumber:
			what = frame.OutOfRange(".limit", l.Limit, 1, MaxNumber)
		case l.Key > MaxNumber:
			what = frame.OutOfRange(".key", l.Key, 0, MaxNumber)
		case l.Remaining > MaxAmount:
			what = ".remaining: more than " + frame.Decimal(MaxAmount)
		case uint64(l.AtMS) > MaxTimeMS:
			what = ".atMS: not in the years 1970 to 9999"
		case i > 0 && b.Levels[i-1].compare(l) >= 0:
			what = ": not after the one before in the order of accounts, limits and keys"
		}
		if what != "" {
			return frame.Element("levels", i) + what
		}
	}
	return ""
}

func (b *Batch) verdictsFault() string {
	var requests, amount uint64
	for i, v := range b.Verdicts {
		what := v.fault()
		// Both sums are at most MaxBatchTotal before, so they can't overflow.
		requests += min(v.Requests, MaxBatchTotal+1)
		amount += min(v.Amount, MaxBatchTotal+1)
		switch {
		case what != "":
		case i > 0 && b.Verdicts[i-1].Compare(v.VerdictKey) >= 0:
			what = ": not after the one before in the order of keys"
		case requests > MaxBatchTotal || amount > MaxBatchTotal:
			what = ": a count of the batch sums up to more than " + frame.Decimal(MaxBatchTotal)
		}
		if what != "" {
			return frame.Element("verdicts", i) + what
		}
	}
	return ""
}

func (v *VerdictEntry) fault() string {
	switch {
	case v.Minute < 0 || v.Minute > MaxTimeMS/60_000:
		return ".minute: not in the years 1970 to 9999"
	case v.Account > MaxNumber:
		return frame.OutOfRange(".account", v.Account, 0, MaxNumber)
	case v.Limit-1 >= MaxNumber:
		return frame.OutOfRange(".limit", v.Limit, 1, MaxNumber)
	case v.Verdict < Denied || v.Verdict > FailedOpen:
		return frame.OutOfRange(".verdict", uint64(v.Verdict), uint64(Denied), uint64(FailedOpen))
	case v.Requests == 0:
		return ".requests: 0"
	}
	return ""
}

func (b *Batch) denialsFault() string {
	for i := range b.Denials {
		if what := b.Denials[i].fault(); what != "" {
			return frame.Element("denials", i) + "." + what
		}
	}
	return ""
}

func (d *Denial) fault() string {
	switch {
	case uint64(d.AtMS) > MaxTimeMS:
		return "atMS: not in the years 1970 to 9999"
	case d.Account > MaxNumber:
		return frame.OutOfRange("account", d.Account, 0, MaxNumber)
	case d.Key > MaxNumber:
		return frame.OutOfRange("key", d.Key, 0, MaxNumber)
	case d.Endpoint > MaxNumber:
		return frame.OutOfRange("endpoint", d.Endpoint, 0, MaxNumber)
	case d.Limit > MaxNumber:
		return frame.OutOfRange("limit", d.Limit, 0, MaxNumber)
	case d.Decision < Throttled || d.Decision > Unready:
		return frame.OutOfRange("decision", uint64(d.Decision), uint64(Throttled), uint64(Unready))
	case d.Limit != 0 && (d.Decision == Unauthenticated || d.Decision == Forbidden):
		return "limit: a request that was refused for who sent it has none that decided"
	case d.RetryAfterMS > MaxTimeMS:
		return frame.OutOfRange("retryAfterMS", d.RetryAfterMS, 0, MaxTimeMS)
	case len(d.Levels) > MaxDenialLevels:
		return frame.OutOfRange("levels", uint64(len(d.Levels)), 0, MaxDenialLevels)
	}
	if what := d.textsFault(); what != "" {
		return what
	}
	return d.levelsFault()
}

func (d *Denial) textsFault() string {
	if what := frame.TextFault("requestID", d.RequestID, 1, MaxRequestIDBytes); what != "" {
		return what
	}
	if what := frame.TextFault("method", d.Method, 0, MaxMethodBytes); what != "" {
		return what
	}
	return frame.TextFault("path", d.Path, 0, MaxDenialPathBytes)
}

func (d *Denial) levelsFault() string {
	for i, l := range d.Levels {
		what := ""
		switch {
		case l.Limit-1 >= MaxNumber:
			what = frame.OutOfRange(".limit", l.Limit, 1, MaxNumber)
		case l.Remaining > MaxAmount:
			what = ".remaining: more than " + frame.Decimal(MaxAmount)
		case l.Amount > MaxAmount:
			what = frame.OutOfRange(".amount", l.Amount, 0, MaxAmount)
		}
		if what != "" {
			return frame.Element("levels", i) + what
		}
	}
	return ""
}
