package preview

import (
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/quota"
)

// Bounds of a preview.
const (
	MaxAccounts = 10_000
	MaxRows     = 3_000_000 // of usage by the minute
	MaxDays     = 31
	maxPoints   = 240
	maxSubjects = 600_000 // limits of single keys, of today and played
)

// Account is one whose usage is played.
type Account struct {
	ID        controlplane.ID
	Calendar  quota.Calendar
	Version   controlplane.ID                           // of a tier, that it is on today
	Overrides map[controlplane.ID]controlplane.Override // by limit
}

// Endpoint is what limits tell requests apart by.
type Endpoint struct {
	Method string // * for any
	Group  controlplane.ID
}

// Row is what was asked in one minute.
type Row struct {
	Minute                 int64 // since 1970, in UTC
	Account, Key, Endpoint controlplane.ID
	Allowed, Throttled     int64 // requests
	Cost, Bytes            int64 // of what was allowed
}

// Figures are how many requests would have been throttled, at least and at most.
type Figures struct{ AtLeast, AtMost int64 }

// Harm is what limits would have done to some requests.
type Harm struct {
	Requests  int64 // asked for: allowed and throttled
	Throttled int64 // really, by the limits of then
	Figures
	Today Figures // by the limits that accounts have today
}

// AccountHarm is what the limits would have done to an account.
type AccountHarm struct {
	AccountID controlplane.ID
	Harm
	First       *time.Time      // the minute in which it might have been throttled first; nil: it wouldn't
	Worst       *time.Time      // the minute in which the most requests might have been
	WorstAtMost int64           // how many those are
	Limit       string          // the one that would have throttled the most; empty for none
	LimitID     controlplane.ID // 0: it is new
}

// LimitHarm is what one of the limits would have done if there were no others.
type LimitHarm struct {
	Name            string
	AtLeast, AtMost int64
	Accounts        int // to which it might have done something
}

// Point is a stretch of time of a report.
type Point struct {
	Start time.Time
	Harm
}

// Report is what limits would have done.
type Report struct {
	From, To time.Time
	Total    Harm
	Accounts []AccountHarm // by harm, the most first
	// Surely and Possibly are how many accounts would have been throttled.
	Surely, Possibly           int
	SurelyToday, PossiblyToday int // by the limits that they have today
	Limits                     []LimitHarm
	PointMinutes               int
	// Points have as AtLeast what the limit would have throttled that does most.
	Points []Point
}

// tally is what a list of limits does to all accounts that it is played on.
type tally struct {
	limits  []controlplane.Limit
	atLeast [][]float64 // by limit and point
}

// Replay plays usage through limits.
type Replay struct {
	r         controlplane.Range
	endpoints map[controlplane.ID]Endpoint
	accounts  map[controlplane.ID]*player

	points  []Point
	minutes int64    // of a point
	tallies []*tally // of the limits that are played, and of those of each version

	pending *player
	minute  int64 // of pending

	subjects int // limits of single keys
}

// New begins a replay of whole minutes. Limits are valid ones of accounts or keys;
// today are those of the versions that accounts are on.
func New(r controlplane.Range, limits []controlplane.Limit, today map[controlplane.ID][]controlplane.Limit,
	endpoints map[controlplane.ID]Endpoint, accounts []Account) *Replay {
	p := &Replay{r: r, endpoints: endpoints, accounts: make(map[controlplane.ID]*player, len(accounts))}
	for _, p.minutes = range []int64{1, 5, 15, 60, 180, 360, 1440} {
		if int64(r.To.Sub(r.From)/time.Minute) <= p.minutes*maxPoints {
			break
		}
	}
	step := time.Duration(p.minutes) * time.Minute
	for t := r.From; t.Before(r.To); t = t.Add(step) {
		p.points = append(p.points, Point{Start: t})
	}
	draft := p.tally(limits)
	versions := map[controlplane.ID]*tally{}
	for _, a := range accounts {
		if versions[a.Version] == nil {
			versions[a.Version] = p.tally(today[a.Version])
		}
		p.accounts[a.ID] = newPlayer(a, draft, versions[a.Version])
	}
	return p
}

func (p *Replay) tally(limits []controlplane.Limit) *tally {
	t := &tally{limits: limits, atLeast: make([][]float64, len(limits))}
	for i := range limits {
		t.atLeast[i] = make([]float64, len(p.points))
	}
	p.tallies = append(p.tallies, t)
	return t
}

// Add adds a row. Rows come by minute, account and key. The error is the caller's.
func (p *Replay) Add(row Row) error {
	if p.pending == nil || p.pending.ID != row.Account || p.minute != row.Minute {
		p.flush()
		p.pending, p.minute = p.accounts[row.Account], row.Minute
	}
	if p.pending == nil {
		return nil
	}
	return p.follow(p.pending.add(&row, p.endpoints))
}

// follow counts limits of single keys.
func (p *Replay) follow(more int) error {
	if p.subjects += more; p.subjects > maxSubjects {
		return controlplane.Invalid("accountIds", "limits of single keys would have to be followed for more than %d of them; give fewer accounts", maxSubjects)
	}
	return nil
}

// flush plays the minute of the account whose rows are there.
func (p *Replay) flush() {
	if p.pending == nil {
		return
	}
	point := (p.minute - p.r.From.Unix()/60) / p.minutes
	harm := p.pending.play(p.minute, point)
	at := &p.points[point]
	at.Requests += harm.Requests
	at.Throttled += harm.Throttled
	at.AtMost += harm.AtMost
	at.Today.AtMost += harm.Today.AtMost
	p.pending = nil
}
