package declare

import (
	"slices"

	"github.com/weirhq/weir/controlplane"
)

// Kind is what kind of object something is.
type Kind string

// The kinds, in the order in which they are made.
const (
	KindGroup    Kind = "group"
	KindEndpoint Kind = "endpoint"
	KindMeter    Kind = "meter"
	KindTier     Kind = "tier"
	KindDefaults Kind = "defaults"
	KindAccount  Kind = "account"
)

// State is what is there now.
type State struct {
	// Document has all of it, with nothing left out, and no manager.
	Document Document
	// Held says more of each object.
	Held map[Key]Held
}

// Key is what an object is known by.
type Key struct {
	Kind Kind
	Name string
}

// Held is what the control plane knows of an object and files don't.
type Held struct {
	ID       string
	Manager  string            // who keeps it in files; empty: nobody
	Revision int               // 0 of a group, which never changes
	Parts    map[string]string // ids of limits by name, of overrides by limit, of identities by Identity.key
	// Revisions are those of an account's overrides, by their ids and by those of their
	// limits.
	Revisions map[string]int
}

// key is what an identity is told by.
func (i Identity) key() string { return i.Kind + " " + i.Issuer + " " + i.Value }

// Key is what an identity's id is under in Held.Parts, so that no limit's name is the
// same.
func (i Identity) Key() string { return "identity " + i.key() }

// Dump is the state as a document for files: without what is at its default, without
// accounts that are closed, and with the others only if they are asked for.
func (s *State) Dump(manager string, accounts bool) Document {
	d := s.Document
	d.Metadata.Manager = manager
	d.Endpoints, d.Tiers = slices.Clone(d.Endpoints), slices.Clone(d.Tiers)
	for i := range d.Endpoints {
		if d.Endpoints[i].Cost == 1 {
			d.Endpoints[i].Cost = 0
		}
	}
	for i := range d.Tiers {
		bare := make([]Limit, len(d.Tiers[i].Limits))
		for j, l := range d.Tiers[i].Limits {
			bare[j] = l.bare()
		}
		d.Tiers[i].Limits = bare
	}
	d.Accounts = nil
	for _, a := range s.Document.Accounts {
		if accounts && a.Status != "CLOSED" {
			d.Accounts = append(d.Accounts, a.bare())
		}
	}
	return d
}

// sameRoute returns the endpoint that matches the same requests as one of another name.
func (s *State) sameRoute(e Endpoint) (Endpoint, bool) {
	i := slices.IndexFunc(s.Document.Endpoints, func(other Endpoint) bool {
		return other.Method == e.Method && controlplane.SameRoute(other.Template, e.Template)
	})
	if i < 0 {
		return Endpoint{}, false
	}
	return s.Document.Endpoints[i], true
}
