package declare

import (
	"cmp"
	"slices"
)

// fill gives what is left out its default, as the API does.
func (d *Document) fill() {
	for i := range d.Endpoints {
		e := &d.Endpoints[i]
		e.Cost = cmp.Or(e.Cost, 1)
	}
	for i := range d.Tiers {
		for j := range d.Tiers[i].Limits {
			d.Tiers[i].Limits[j].fill()
		}
	}
	for i := range d.Accounts {
		a := &d.Accounts[i]
		a.TimeZone = cmp.Or(a.TimeZone, "UTC")
		a.BillingDay = cmp.Or(a.BillingDay, 1)
	}
}

func (l *Limit) fill() {
	selector, failMode := "ALL", "OPEN"
	switch {
	case l.Endpoint != "":
		selector = "ENDPOINT"
	case l.Group != "":
		selector = "GROUP"
	}
	l.Subject = cmp.Or(l.Subject, "ACCOUNT")
	l.Selector = cmp.Or(l.Selector, selector)
	l.Measure = cmp.Or(l.Measure, "REQUESTS")
	l.Kind = cmp.Or(l.Kind, "RATE")
	l.Mode = cmp.Or(l.Mode, "ENFORCE")
	if l.Kind == "QUOTA" {
		failMode = "CLOSED"
	}
	l.FailMode = cmp.Or(l.FailMode, failMode)
	if l.Kind == "RATE" {
		l.Burst = cmp.Or(l.Burst, l.Amount)
	}
}

// bare takes out again what is at its default, so that a document says only what
// matters.
func (l Limit) bare() Limit {
	var filled Limit
	filled.Endpoint, filled.Group, filled.Kind, filled.Amount = l.Endpoint, l.Group, l.Kind, l.Amount
	filled.fill()
	same := func(field *string, other string) {
		if *field == other {
			*field = ""
		}
	}
	same(&l.Subject, filled.Subject)
	same(&l.Selector, filled.Selector)
	same(&l.Measure, filled.Measure)
	same(&l.Mode, filled.Mode)
	same(&l.FailMode, filled.FailMode)
	same(&l.Kind, "RATE")
	if l.Burst == filled.Burst {
		l.Burst = 0
	}
	return l
}

// bare takes out what is at its default, and a status that files can't give.
func (a Account) bare() Account {
	if a.TimeZone == "UTC" {
		a.TimeZone = ""
	}
	if a.BillingDay == 1 {
		a.BillingDay = 0
	}
	if !slices.Contains(enums["account.status"], a.Status) {
		a.Status = ""
	}
	return a
}
