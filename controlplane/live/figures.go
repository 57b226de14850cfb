package live

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// figures are what topics show: a base and the deltas since.
type figures interface {
	// wants adds what a base has to have.
	wants(w *Wanted)
	// rebase puts a base in the place of all that was counted before.
	rebase(b *Base, w Wanted, now time.Time)
	// count adds a cell that is of the topic's scope and that the base has not
	// got, and says whether it changed anything.
	count(c *Cell, now time.Time) bool
	// pass lets time pass, and says what that changed.
	pass(now time.Time) passing
}

// passing is what time does to figures.
type passing int

const (
	same    passing = iota
	changed         // they are others now
	over            // they have to begin anew
)

// Usage is the usage of a scope on one day.
type Usage struct {
	At   time.Time
	From time.Time // midnight in UTC
	Counts
	Accounts []AccountUsage // for the scope of all: those active of late, most active first
}

// AccountUsage is the usage of one account; 0 is callers that nobody identified.
type AccountUsage struct {
	Account controlplane.ID
	Counts
}

// MaxAccounts bounds the accounts of a [Usage].
const MaxAccounts = 50

// activeFor is how fast activity is forgotten: to a third in that time.
const activeFor = 10 * time.Second

type usageFigures struct {
	scope    Scope
	from     time.Time
	total    Counts
	accounts map[controlplane.ID]*active // for the scope of all, else nil
}

// active is an account's usage, and how active it is.
type active struct {
	Counts
	recent float64 // requests, each worth less with time
	at     time.Time
}

func (a *active) activity(now time.Time) float64 {
	return a.recent * math.Exp(-float64(now.Sub(a.at))/float64(activeFor))
}

func dayOf(now time.Time) time.Time { return now.UTC().Truncate(24 * time.Hour) }

func (f *usageFigures) wants(w *Wanted) {
	if f.scope == (Scope{}) {
		w.Accounts = true
		return
	}
	w.Scopes = append(w.Scopes, f.scope)
}

func (f *usageFigures) rebase(b *Base, w Wanted, _ time.Time) {
	f.from, f.total = w.Day, b.Scopes[f.scope]
	if f.scope != (Scope{}) {
		return
	}
	f.total = Counts{}
	before := f.accounts
	f.accounts = make(map[controlplane.ID]*active, len(b.Accounts))
	for id, c := range b.Accounts {
		f.total.add(c)
		a := &active{Counts: c}
		if was := before[id]; was != nil {
			a.recent, a.at = was.recent, was.at
		}
		f.accounts[id] = a
	}
}

func (f *usageFigures) count(c *Cell, now time.Time) bool {
	if c.Counts == (Counts{}) || !dayOf(time.Unix(c.Minute*60, 0)).Equal(f.from) {
		return false
	}
	f.total.add(c.Counts)
	if f.accounts != nil {
		f.countAccount(c, now)
	}
	return true
}

func (f *usageFigures) countAccount(c *Cell, now time.Time) {
	a := f.accounts[c.Account]
	if a == nil {
		a = &active{}
		f.accounts[c.Account] = a
	}
	a.recent, a.at = a.activity(now)+float64(c.Requests-c.Corrected), now
	a.add(c.Counts)
}

func (f *usageFigures) pass(now time.Time) passing {
	if dayOf(now).Equal(f.from) {
		return same
	}
	return over
}

func (f *usageFigures) now(now time.Time) Usage {
	u := Usage{At: now, From: f.from, Counts: f.total}
	if f.accounts == nil {
		return u
	}
	type ranked struct {
		AccountUsage
		activity float64
	}
	all := make([]ranked, 0, len(f.accounts))
	for id, a := range f.accounts {
		if activity := a.activity(now); activity > 0.01 {
			all = append(all, ranked{AccountUsage{id, a.Counts}, activity})
		}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.activity, a.activity), cmp.Compare(a.Account, b.Account))
	})
	for _, r := range all[:min(len(all), MaxAccounts)] {
		u.Accounts = append(u.Accounts, r.AccountUsage)
	}
	return u
}

// newsEvery is how often an account has news when nothing was announced of it:
// limits fill up, quotas are leased, and policies change without.
const newsEvery = 5 * time.Second

// newsFigures are no figures: they tell when somebody should look them up.
type newsFigures struct{ at time.Time }

func (f *newsFigures) wants(*Wanted)                             {}
func (f *newsFigures) rebase(_ *Base, _ Wanted, now time.Time)   { f.at = now }
func (f *newsFigures) count(_ *Cell, now time.Time) (fresh bool) { f.at = now; return true }

func (f *newsFigures) pass(now time.Time) passing {
	if now.Sub(f.at) < newsEvery {
		return same
	}
	f.at = now
	return changed
}
