package declare

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// enums are the fields that have one of few values, by kind and field.
var enums = map[string][]string{
	"limit.subject":  {"ACCOUNT", "KEY", "ADDRESS"},
	"limit.selector": {"ALL", "ENDPOINT", "GROUP", "READS", "WRITES"},
	"limit.measure":  {"REQUESTS", "BYTES", "COST"},
	"limit.kind":     {"RATE", "WINDOW", "QUOTA"},
	"limit.period":   {"SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "BILLING"},
	"limit.mode":     {"ENFORCE", "SOFT", "SHADOW"},
	"limit.failMode": {"OPEN", "CLOSED"},
	"override.mode":  {"ENFORCE", "SOFT", "SHADOW"},
	"identity.kind":  {"JWT_SUBJECT", "CERTIFICATE"},
	"account.status": {"ACTIVE", "SUSPENDED"},
	"move.when":      {"NONE", "NOW", "PERIOD_END", "STEPS"},
}

// place is a place in a file to tell faults of.
type place struct {
	c    *checker
	path []any
}

func (c *checker) at(path ...any) place { return place{c, path} }

// add tells a fault of the field at the place; a field may be a path with dots.
func (p place) add(field, format string, args ...any) {
	path := slices.Clone(p.path)
	for _, step := range strings.Split(field, ".") {
		if n, err := strconv.Atoi(step); err == nil {
			path = append(path, n)
		} else if step != "" {
			path = append(path, step)
		}
	}
	p.c.faults = append(p.c.faults, FaultError{p.c.file, lineOf(p.c.root, path...), field, fmt.Sprintf(format, args...)})
}

// addAll tells what a check of the API found. Fields are called otherwise here.
func (p place) addAll(err error) {
	for _, f := range controlplane.Faults(err) {
		p.add(strings.NewReplacer("endpointId", "endpoint", "groupId", "group").Replace(f.Field), "%s", f.Message)
	}
}

// enum checks a value that may be left out.
func (p place) enum(kind, field, value string) bool {
	values := enums[kind[strings.LastIndex(kind, ".")+1:]+"."+field[strings.LastIndex(field, ".")+1:]]
	if value == "" || slices.Contains(values, value) {
		return true
	}
	p.add(field, "%q is not one of %s", value, strings.Join(values, ", "))
	return false
}

// once notes where an object stands and tells of one that is there twice.
func (p place) once(kind, name string) origin {
	o := origin{p.c.file, lineOf(p.c.root, p.path...)}
	if first, ok := p.c.seen[kind+" "+name]; ok && name != "" {
		p.add("", "%s %q is in %s:%d already; leave one out", kind, name, first.file, first.line)
	} else {
		p.c.seen[kind+" "+name] = o
	}
	return o
}

// check checks what can be said of one document by itself, and notes where its objects
// stand.
func (c *checker) check(d *Document) {
	if m := d.Metadata.Manager; m != "" && controlplane.ValidateEndpointGroup(&m) != nil {
		c.at("metadata").add("manager", "give 1 to 64 characters, without control characters and invisible ones")
	}
	for i := range d.Groups {
		p := c.at("groups", i)
		p.addAll(controlplane.ValidateEndpointGroup(&d.Groups[i].Name))
		d.Groups[i].origin = p.once("group", d.Groups[i].Name)
	}
	for i := range d.Endpoints {
		e, p := &d.Endpoints[i], c.at("endpoints", i)
		cost := e.Cost
		if cost == 0 {
			cost = 1
		}
		p.addAll(controlplane.ValidateEndpoint(controlplane.Endpoint{Method: e.Method, Template: e.Template, Cost: cost}))
		e.origin = p.once("endpoint", e.Method+" "+controlplane.RouteOf(e.Template))
	}
	for i := range d.Meters {
		m, p := &d.Meters[i], c.at("meters", i)
		p.addAll(controlplane.ValidateMeter(&controlplane.Meter{Name: m.Name, Unit: m.Unit, Header: m.Header}))
		m.origin = p.once("meter", m.Name)
	}
	for i := range d.Tiers {
		c.tier(&d.Tiers[i], c.at("tiers", i))
	}
	if d.Defaults != nil {
		p := c.at("defaults")
		if d.Defaults.Tier == "" {
			p.add("tier", "name the tier of accounts without one")
		}
		d.Defaults.origin = p.once("defaults", "of the policy")
	}
	for i := range d.Accounts {
		c.account(&d.Accounts[i], c.at("accounts", i))
	}
}

func (c *checker) tier(t *Tier, p place) {
	t.origin = p.once("tier", t.Name)
	limits := make([]controlplane.Limit, len(t.Limits))
	for i, l := range t.Limits {
		sound := true
		at := "limits." + strconv.Itoa(i) + "."
		for field, value := range map[string]string{
			"subject": l.Subject, "selector": l.Selector, "measure": l.Measure, "kind": l.Kind, "period": l.Period, "mode": l.Mode, "failMode": l.FailMode,
		} {
			sound = p.enum("limit", at+field, value) && sound
		}
		if !sound { // what it was meant to be is not known; these have to be right anyway
			l = Limit{Name: l.Name, Amount: l.Amount, Kind: "QUOTA", Period: "DAY"}
		}
		l.fill()
		limits[i] = l.noun()
	}
	p.addAll(controlplane.ValidateTier(&t.Name, &limits))
	switch m := t.Move; {
	case m == nil:
	case m.When == "":
		p.add("move.when", "choose one of %s", strings.Join(enums["move.when"], ", "))
	case p.enum("move", "move.when", m.When):
		when := controlplane.MoveWhen(strings.ToLower(m.When))
		p.addAll(controlplane.Publication{Move: controlplane.Migration{When: when, Steps: m.Steps, StepMinutes: m.StepMinutes}}.Validate())
	}
}

// noun is a limit as the control plane checks it; the id of what it names is 1.
func (l Limit) noun() controlplane.Limit {
	one := func(name string) controlplane.ID {
		if name == "" {
			return 0
		}
		return 1
	}
	n := controlplane.Limit{
		Name: l.Name, Subject: controlplane.LimitSubject(strings.ToLower(l.Subject)), Selector: controlplane.LimitSelector(strings.ToLower(l.Selector)),
		Endpoint: one(l.Endpoint), Group: one(l.Group), Measure: controlplane.Measure(strings.ToLower(l.Measure)),
		Kind: controlplane.LimitKind(strings.ToLower(l.Kind)), Amount: l.Amount, Period: controlplane.Period(strings.ToLower(l.Period)), Burst: l.Burst,
		Mode: controlplane.LimitMode(strings.ToLower(l.Mode)), GracePercent: l.GracePercent, GraceSeconds: l.GraceSeconds,
		FailOpen: l.FailMode == "OPEN", RefundErrors: l.RefundErrors,
	}
	if a := l.Adaptive; a != nil {
		n.Adaptive = controlplane.Adaptive{ErrorPercent: a.ErrorPercent, SlowMS: a.SlowMs, SlowPercent: a.SlowPercent, FloorPercent: a.FloorPercent}
	}
	return n
}

func (c *checker) account(a *Account, p place) {
	a.origin = p.once("account", a.Name)
	p.enum("account", "status", a.Status)
	zone, day := a.TimeZone, a.BillingDay
	if zone == "" {
		zone = "UTC"
	}
	if day == 0 {
		day = 1
	}
	account := controlplane.NewAccount{Name: a.Name, TimeZone: zone, BillingDay: day, Labels: a.Labels}
	p.addAll(account.Validate(time.Time{}))
	for i, o := range a.Overrides {
		at := "overrides." + strconv.Itoa(i) + "."
		if slices.ContainsFunc(a.Overrides[:i], func(other Override) bool { return other.Limit == o.Limit }) {
			p.add(at+"limit", "limit %q is overridden twice; leave one out", o.Limit)
		}
		if p.enum("override", at+"mode", o.Mode) {
			n := controlplane.Override{Amount: o.Amount, Burst: o.Burst, Mode: controlplane.LimitMode(strings.ToLower(o.Mode)), Note: o.Note}
			p.addNested(at, n.Validate(time.Time{}))
		}
	}
	for i, identity := range a.Identities {
		at := "identities." + strconv.Itoa(i) + "."
		if identity.Kind == "" {
			p.add(at+"kind", "choose one of %s", strings.Join(enums["identity.kind"], ", "))
		} else if p.enum("identity", at+"kind", identity.Kind) {
			kind := controlplane.JWTSubject
			if identity.Kind == "CERTIFICATE" {
				kind = controlplane.Certificate
			}
			p.addNested(at, controlplane.Identity{Kind: kind, Value: identity.Value, Issuer: identity.Issuer}.Validate())
		}
		p.once("identity", identity.Kind+" "+identity.Issuer+" "+identity.Value)
	}
}

func (p place) addNested(at string, err error) {
	var nested []error
	for _, f := range controlplane.Faults(err) {
		nested = append(nested, controlplane.Invalid(at+f.Field, "%s", f.Message))
	}
	p.addAll(errors.Join(nested...))
}

// references checks that names of endpoints are written as a method and a template.
// Whether there is such a thing shows beside a state only.
func (c *checker) references(d *Document) {
	check := func(o origin, field, name string) {
		if name != "" && len(strings.Fields(name)) != 2 {
			f := o.fault("%q is no endpoint; write its method and template, such as GET /v1/users/{id}", name)
			f.Field = field
			c.faults = append(c.faults, f)
		}
	}
	for _, m := range d.Meters {
		check(m.origin, "endpoint", m.Endpoint)
	}
	for _, t := range d.Tiers {
		for i, l := range t.Limits {
			check(t.origin, "limits."+strconv.Itoa(i)+".endpoint", l.Endpoint)
		}
	}
}
