package graph

import (
	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/graph/model"
)

// limitOf reads a limit and fills in what was left out.
func limitOf(in *model.LimitInput, field string) (l controlplane.Limit, err error) {
	l = controlplane.Limit{
		Name: in.Name, Subject: in.Subject, Measure: in.Measure, Kind: in.Kind,
		Amount: in.Amount, Period: in.Period, Mode: in.Mode, RefundErrors: in.RefundErrors,
	}
	if l.ID, err = optional(controlplane.KindLimit, field+".id", in.ID); err != nil {
		return l, err
	}
	if l.Endpoint, err = optional(controlplane.KindEndpoint, field+".endpointId", in.EndpointID); err != nil {
		return l, err
	}
	if l.Group, err = optional(controlplane.KindGroup, field+".groupId", in.GroupID); err != nil {
		return l, err
	}
	l.Selector = selectorOf(in.Selector, l)
	switch {
	case in.Burst != nil:
		l.Burst = *in.Burst
	case l.Kind == controlplane.Rate:
		l.Burst = l.Amount
	}
	l.FailOpen = l.Kind != controlplane.Quota
	if in.FailMode != nil {
		l.FailOpen = *in.FailMode == model.FailModeOpen
	}
	if l.GracePercent, err = positive(field+".gracePercent", in.GracePercent); err != nil {
		return l, err
	}
	if l.GraceSeconds, err = positive(field+".graceSeconds", in.GraceSeconds); err != nil {
		return l, err
	}
	l.Adaptive, err = adaptiveOf(in.Adaptive, field+".adaptive")
	return l, err
}

func selectorOf(given *controlplane.LimitSelector, l controlplane.Limit) controlplane.LimitSelector {
	switch {
	case given != nil:
		return *given
	case l.Endpoint != 0:
		return controlplane.SelectEndpoint
	case l.Group != 0:
		return controlplane.SelectGroup
	}
	return controlplane.SelectAll
}

func adaptiveOf(in *model.AdaptiveInput, field string) (a controlplane.Adaptive, err error) {
	if in == nil {
		return a, nil
	}
	if a.ErrorPercent, err = positive(field+".errorPercent", in.ErrorPercent); err != nil {
		return a, err
	}
	if a.SlowMS, err = positive(field+".slowMs", in.SlowMs); err != nil {
		return a, err
	}
	if a.SlowPercent, err = positive(field+".slowPercent", in.SlowPercent); err != nil {
		return a, err
	}
	a.FloorPercent, err = positive(field+".floorPercent", &in.FloorPercent)
	return a, err
}

// positive reads a number that may be left out; 0 stands for that in the nouns,
// so nobody may give it.
func positive(field string, n *int) (int, error) {
	if n == nil {
		return 0, nil
	}
	if *n < 1 {
		return 0, controlplane.Invalid(field, "give a whole number of at least 1, or leave it out")
	}
	return *n, nil
}

func adaptiveFrom(a controlplane.Adaptive) *model.Adaptive {
	if a == (controlplane.Adaptive{}) {
		return nil
	}
	return &model.Adaptive{
		ErrorPercent: present(a.ErrorPercent), SlowMs: present(a.SlowMS),
		SlowPercent: present(a.SlowPercent), FloorPercent: a.FloorPercent,
	}
}

// present is nil for the value that stands for none.
func present[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}
