package declare

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Action is what a change does.
type Action string

// The actions.
const (
	Create Action = "CREATE"
	Update Action = "UPDATE"
	Delete Action = "DELETE"
)

// Change is one object that is created, changed or deleted.
type Change struct {
	Action Action  `json:"action"`
	Kind   Kind    `json:"kind"`
	Name   string  `json:"name"`
	ID     string  `json:"id,omitempty"`     // of what is there
	Fields []Field `json:"fields,omitempty"` // what differs, or what it is created with
	// Manager is whom the object is marked with; empty: the mark stays.
	Manager string `json:"manager,omitempty"`

	Was     any  `json:"-"` // a Group, Endpoint, Meter, Tier, Defaults or Account; nil with Create
	Is      any  `json:"-"` // the same, with nothing left out; nil with Delete
	Held    Held `json:"-"`
	Differs bool `json:"-"` // whether anything but the mark is changed
}

// Field is a field that differs.
type Field struct {
	Path   string          `json:"path"`             // such as limits.per-minute.amount
	Before json.RawMessage `json:"before,omitempty"` // nil: not there
	After  json.RawMessage `json:"after,omitempty"`
}

// Options are how a plan is made.
type Options struct {
	Prune    bool      // delete what bears the document's manager and isn't in it
	TakeOver bool      // mark with the document's manager what bears another's
	Now      time.Time // overrides that end before are as if they were not there
}

// Plan is what makes a state that of a document: changes in the order in which they can
// be made.
type Plan struct {
	Changes []Change `json:"changes"`
	// ID tells plans apart that do other things, or the same to another state.
	ID string `json:"id"`
}

// Make makes a plan. The error is a join of Faults: names of nothing, objects of another
// manager, and a document to prune by that has no manager.
func Make(s *State, d *Document, o Options) (*Plan, error) {
	p := &planner{state: s, document: d, options: o, wanted: map[Key]bool{}}
	if o.Prune && d.Metadata.Manager == "" {
		return nil, FaultError{Message: "to prune, the files have to say whose they are: give metadata.manager in one of them"}
	}
	current := &s.Document
	each(p, KindGroup, d.Groups, current.Groups, func(g Group) (string, origin) { return g.Name, g.origin })
	for _, e := range d.Endpoints {
		if other, ok := s.sameRoute(e); ok && other.Name() != e.Name() {
			p.fault(e.origin, "endpoint %s is there as %s, and the names in a template can't be changed; write it like that", e.Name(), other.Name())
		}
	}
	each(p, KindEndpoint, d.Endpoints, current.Endpoints, func(e Endpoint) (string, origin) { return e.Name(), e.origin })
	each(p, KindMeter, d.Meters, current.Meters, func(m Meter) (string, origin) { return m.Name, m.origin })
	each(p, KindTier, d.Tiers, current.Tiers, func(t Tier) (string, origin) { return t.Name, t.origin })
	if d.Defaults != nil {
		p.one(KindDefaults, "", d.Defaults.origin, current.Defaults, d.Defaults)
	}
	each(p, KindAccount, p.accounts(), p.presentAccounts(), func(a Account) (string, origin) { return a.Name, a.origin })
	p.references()
	p.prune()
	if len(p.faults) > 0 {
		return nil, errors.Join(p.faults...)
	}
	plan := &Plan{Changes: p.changes}
	return plan, plan.identify()
}

type planner struct {
	state    *State
	document *Document
	options  Options
	changes  []Change
	wanted   map[Key]bool
	faults   []error
}

func (p *planner) fault(o origin, format string, args ...any) {
	p.faults = append(p.faults, o.fault(format, args...))
}

// each plans the objects of one kind.
func each[T any](p *planner, kind Kind, wanted, current []T, of func(T) (string, origin)) {
	there := make(map[string]*T, len(current))
	for i := range current {
		name, _ := of(current[i])
		there[name] = &current[i]
	}
	for i := range wanted {
		name, o := of(wanted[i])
		if was := there[name]; was != nil {
			p.one(kind, name, o, was, &wanted[i])
		} else {
			p.one(kind, name, o, nil, &wanted[i])
		}
	}
}

// one plans one object; was is nil when it is not there.
func (p *planner) one(kind Kind, name string, o origin, was, is any) {
	key := Key{kind, name}
	p.wanted[key] = true
	held := p.state.Held[key]
	c := Change{Action: Update, Kind: kind, Name: name, ID: held.ID, Was: was, Is: is, Held: held, Differs: true}
	var err error
	if was == nil {
		c.Action = Create
		c.Fields, err = created(is)
	} else {
		c.Fields, err = differences(was, is)
		c.Differs = len(c.Fields) > 0
	}
	if tier, ok := is.(*Tier); ok && was != nil && c.Differs && tier.Move != nil { // of a tier only its limits can differ
		var move []byte
		if move, err = json.Marshal(tier.Move); err == nil {
			c.Fields = append(c.Fields, Field{Path: "move", After: move})
		}
	}
	if err != nil {
		p.faults = append(p.faults, err)
		return
	}
	p.mark(&c, o)
	if was == nil || len(c.Fields) > 0 {
		p.changes = append(p.changes, c)
	}
}

// marked are the kinds that can bear a manager's mark.
var marked = []Kind{KindGroup, KindEndpoint, KindMeter, KindTier}

// mark sees to it that the object bears the document's manager.
func (p *planner) mark(c *Change, o origin) {
	manager := p.document.Metadata.Manager
	switch {
	case !slices.Contains(marked, c.Kind) || manager == c.Held.Manager:
		return
	case manager == "" && !c.Differs:
		return
	case c.Held.Manager != "" && !p.options.TakeOver:
		p.fault(o, "%s %s is kept in the files of %s; take it out of this one, or give --take-over", c.Kind, c.Name, c.Held.Manager)
		return
	case manager == "":
		return
	}
	c.Manager = manager
	if c.Action == Update {
		field := Field{Path: "manager", After: quoted(manager)}
		if c.Held.Manager != "" {
			field.Before = quoted(c.Held.Manager)
		}
		c.Fields = append(c.Fields, field)
	}
}

// prune plans to delete what the document's manager has and the document has not, what
// others may need last.
func (p *planner) prune() {
	if !p.options.Prune {
		return
	}
	for _, kind := range slices.Backward(marked) {
		var keys []Key
		for key, held := range p.state.Held {
			if key.Kind == kind && held.Manager == p.document.Metadata.Manager && !p.wanted[key] {
				keys = append(keys, key)
			}
		}
		slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.Name, b.Name) })
		for _, key := range keys {
			held := p.state.Held[key]
			p.changes = append(p.changes, Change{Action: Delete, Kind: kind, Name: key.Name, ID: held.ID, Held: held, Differs: true})
		}
	}
}

// identify gives the plan its id: of what it does, and to which revision of what.
func (p *Plan) identify() error {
	revisions := make([][]any, len(p.Changes))
	for i, c := range p.Changes {
		revisions[i] = []any{c.Held.Revision, c.Held.Revisions} // maps are written in the order of keys
	}
	text, err := json.Marshal([]any{p.Changes, revisions})
	if err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	sum := sha256.Sum256(text)
	p.ID = hex.EncodeToString(sum[:6])
	return nil
}
