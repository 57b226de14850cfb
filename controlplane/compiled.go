package controlplane

import "github.com/weirhq/weir/plugin/book"

// What the filter calls things.
var (
	compiledSubjects  = map[LimitSubject]book.Subject{SubjectAccount: book.PerAccount, SubjectKey: book.PerKey, SubjectAddress: book.PerAddress}
	compiledSelectors = map[LimitSelector]book.Selector{
		SelectAll: book.All, SelectEndpoint: book.OneEndpoint, SelectGroup: book.OneGroup, SelectReads: book.Reads, SelectWrites: book.Writes,
	}
	compiledMeasures = map[Measure]book.Measure{MeasureRequests: book.Requests, MeasureBytes: book.Bytes, MeasureCost: book.Cost}
	compiledKinds    = map[LimitKind]book.Kind{Rate: book.Rate, Window: book.Window, Quota: book.Quota}
	compiledModes    = map[LimitMode]book.Mode{Enforce: book.Enforce, Soft: book.Soft, Shadow: book.Shadow}
	compiledPeriods  = map[Period]book.QuotaPeriod{Hour: book.Hour, Day: book.Day, Month: book.Month, Billing: book.Billing}
)

// Compiled returns a valid limit as the filter has it.
func (l Limit) Compiled() book.Limit {
	c := book.Limit{
		ID: uint64(l.ID), Name: l.Name, Target: uint64(l.Endpoint + l.Group), // one of them is 0
		FailOpen: l.FailOpen, Refund: l.RefundErrors,
		Amount: uint64(l.Amount), Burst: uint64(l.Burst),
		GracePercent: uint32(l.GracePercent), GraceSeconds: uint32(l.GraceSeconds),
		Adaptive: book.Adaptive{
			ErrorPercent: uint32(l.Adaptive.ErrorPercent), SlowMS: uint32(l.Adaptive.SlowMS),
			SlowPercent: uint32(l.Adaptive.SlowPercent), FloorPercent: uint32(l.Adaptive.FloorPercent),
		},
		Subject: compiledSubjects[l.Subject], Selector: compiledSelectors[l.Selector], Measure: compiledMeasures[l.Measure],
		Kind: compiledKinds[l.Kind], Mode: compiledModes[l.Mode],
	}
	if l.Kind == Quota {
		c.QuotaPeriod = compiledPeriods[l.Period]
	} else {
		c.PeriodSeconds = uint32(l.Period.Seconds())
	}
	return c
}
