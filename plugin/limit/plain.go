package limit

// checkPlain settles the slot of a rate without grace or refunds and judges a
// request: what reading, settling, judging and writing a [bucket] does, for the
// slots that most requests meet. It says whether the slot is well-formed.
func checkPlain(slot []byte, req *Request, v *verdict) bool {
	slot = slot[:plainRateBytes]
	w := get(slot, 8)
	seconds := w >> 32
	f := flow{get(slot, 16), get(slot, 24), seconds * nanosPerSecond}
	last, t := getInt(slot, atLast), tank{getInt(slot, atTokens), get(slot, atFraction)}
	if get(slot, 0) == 0 || w&unusedBits != 0 || Measure(w>>8) > Cost || Mode(w>>16) > Shadow || get(slot, 32) != 0 ||
		f.amount-1 >= MaxAmount || f.burst-1 >= MaxAmount || seconds-1 >= MaxPeriodSeconds || !t.valid(&f) {
		return false
	}
	if req.Now > last {
		t.gain(&f, between(last, req.Now))
		last = req.Now
		putInt(slot, atLast, last)
		putInt(slot, atTokens, t.tokens)
		put(slot, atFraction, t.fraction)
	}
	behind := between(req.Now, last)
	v.level.Limit, v.level.Remaining = f.burst, t.tokens
	v.level.NextNS = addWait(t.wait(&f, t.untilMore()), behind)
	v.full = t.full(&f)
	if need := req.need(Measure(w >> 8)); need > f.burst {
		v.denies, v.never = true, true
	} else if t.tokens < int64(need) {
		v.denies = true
		v.wait = addWait(t.wait(&f, need-uint64(t.tokens)), behind)
	}
	return true
}
