package book

import (
	"cmp"
	"strconv"

	"github.com/weirhq/weir/plugin/internal/frame"
	"github.com/weirhq/weir/plugin/wire"
)

// fault checks all but whether the target is there.
func (l *Limit) fault() string {
	switch {
	case l.ID-1 >= wire.MaxNumber:
		return frame.OutOfRange("id", l.ID, 1, wire.MaxNumber)
	case !isLimitName(l.Name):
		return "name: \"" + l.Name + "\" is not 1 to 64 of a-z, 0-9 and -"
	case l.Subject > PerAddress:
		return unknown("subject", uint8(l.Subject))
	case l.Selector > Writes:
		return unknown("selector", uint8(l.Selector))
	case (l.Target != 0) != (l.Selector == OneEndpoint || l.Selector == OneGroup):
		return "target: give the id of one endpoint or group, and none for another selector"
	case l.Measure > Cost:
		return unknown("measure", uint8(l.Measure))
	case l.Mode > Shadow:
		return unknown("mode", uint8(l.Mode))
	case l.Amount-1 >= wire.MaxAmount:
		return frame.OutOfRange("amount", l.Amount, 1, wire.MaxAmount)
	case uint64(l.EndsAtMS) > wire.MaxTimeMS:
		return "ends at: not in the years 1970 to 9999"
	}
	return cmp.Or(l.kindFault(), l.graceFault(), l.Adaptive.fault(l.Kind))
}

func unknown(field string, n uint8) string { return field + ": " + strconv.Itoa(int(n)) + " is none" }

// kindFault checks what depends on the kind.
func (l *Limit) kindFault() string {
	switch {
	case l.Kind > Quota:
		return unknown("kind", uint8(l.Kind))
	case l.Kind == Rate && l.Burst-1 >= wire.MaxAmount:
		return frame.OutOfRange("burst", l.Burst, 1, wire.MaxAmount)
	case l.Kind != Rate && l.Burst != 0:
		return "burst: only a rate has one"
	case l.Kind != Quota && l.PeriodSeconds-1 >= MaxPeriodSeconds:
		return frame.OutOfRange("period in seconds", uint64(l.PeriodSeconds), 1, MaxPeriodSeconds)
	case l.Kind != Quota && l.QuotaPeriod != 0:
		return "quota period: only a quota has one"
	case l.Kind == Quota && l.PeriodSeconds != 0:
		return "period in seconds: a quota has none"
	case l.Kind == Quota && (l.QuotaPeriod < Hour || l.QuotaPeriod > Billing):
		return unknown("quota period", uint8(l.QuotaPeriod))
	case l.Kind == Quota && l.Subject == PerAddress:
		return "subject: an address can't have a quota"
	}
	return ""
}

func (l *Limit) graceFault() string {
	switch {
	case l.Mode != Soft && (l.GracePercent != 0 || l.GraceSeconds != 0):
		return "grace: only a soft limit has one"
	case l.GracePercent > MaxGracePercent:
		return frame.OutOfRange("grace percent", uint64(l.GracePercent), 0, MaxGracePercent)
	case l.GraceSeconds > MaxGraceSeconds:
		return frame.OutOfRange("grace seconds", uint64(l.GraceSeconds), 0, MaxGraceSeconds)
	}
	return ""
}

func (a *Adaptive) fault(kind Kind) string {
	switch {
	case *a == Adaptive{}:
		return ""
	case kind == Quota:
		return "adaptive: a quota can't be"
	case a.ErrorPercent > 100:
		return frame.OutOfRange("adaptive: error percent", uint64(a.ErrorPercent), 0, 100)
	case a.SlowMS > MaxSlowMS:
		return frame.OutOfRange("adaptive: slow ms", uint64(a.SlowMS), 0, MaxSlowMS)
	case a.SlowPercent > 100:
		return frame.OutOfRange("adaptive: slow percent", uint64(a.SlowPercent), 0, 100)
	case (a.SlowMS == 0) != (a.SlowPercent == 0):
		return "adaptive: give both, slow ms and slow percent, or neither"
	case a.ErrorPercent == 0 && a.SlowMS == 0:
		return "adaptive: give error percent, or slow ms and slow percent"
	case a.FloorPercent < 1 || a.FloorPercent > 99:
		return frame.OutOfRange("adaptive: floor percent", uint64(a.FloorPercent), 1, 99)
	}
	return ""
}

func isLimitName(s string) bool {
	return len(s) >= 1 && len(s) <= MaxLimitNameBytes && only(s, func(c byte) bool {
		return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
	})
}
