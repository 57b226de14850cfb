package preview

import "github.com/weirhq/weir/controlplane"

// enforced is what of a limit enforces: that of a soft one with a grace percentage is
// larger by that.
func enforced(l controlplane.Limit) *controlplane.Limit {
	if l.Mode == controlplane.Soft && l.GracePercent > 0 {
		scale := func(n int64) int64 { return n/100*int64(100+l.GracePercent) + n%100*int64(100+l.GracePercent)/100 }
		l.Amount, l.Burst = scale(l.Amount), scale(l.Burst)
	}
	return &l
}

// throttles says whether a limit surely enforces, and whether it may.
func throttles(l *controlplane.Limit) (surely, possibly bool) {
	switch l.Mode {
	case controlplane.Enforce:
		return true, true
	case controlplane.Soft:
		return l.GracePercent > 0, l.GracePercent > 0 || l.GraceSeconds > 0
	}
	return false, false
}

// counts says whether a limit surely counts requests to an endpoint, and whether it
// may. The methods of requests to no endpoint aren't known.
func counts(l *controlplane.Limit, id controlplane.ID, e Endpoint, known bool) (surely, possibly bool) {
	switch l.Selector {
	case controlplane.SelectEndpoint:
		return id == l.Endpoint, id == l.Endpoint
	case controlplane.SelectGroup:
		return known && e.Group == l.Group, known && e.Group == l.Group
	case controlplane.SelectReads, controlplane.SelectWrites:
		if !known || e.Method == "*" {
			return false, true
		}
		reads := e.Method == "GET" || e.Method == "HEAD" || e.Method == "OPTIONS"
		is := reads == (l.Selector == controlplane.SelectReads)
		return is, is
	}
	return true, true
}
