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
	maxSubjects = 300_000 // limits of single keys
)

// Account is one whose usage is played.
type Account struct {
	ID        controlplane.ID
	Calendar  quota.Calendar
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

// Harm is what limits would have done to some requests.
type Harm struct {
	Requests        int64 // asked for: allowed and throttled
	Throttled       int64 // really, by the limits of then
	AtLeast, AtMost int64 // requests that would have been throttled
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
	Surely, Possibly int
	Limits           []LimitHarm
	PointMinutes     int
	// Points have as AtLeast what the limit would have throttled that does most.
	Points []Point
}

// Replay plays usage through limits.
type Replay struct {
	r         controlplane.Range
	limits    []controlplane.Limit
	endpoints map[controlplane.ID]Endpoint
	accounts  map[controlplane.ID]*player

	points  []Point
	minutes int64       // of a point
	atLeast [][]float64 // by limit and point

	pending *player
	minute  int64 // of pending

	subjects int // limits of single keys
}

// New begins a replay of whole minutes. Limits are valid ones of accounts or keys.
func New(r controlplane.Range, limits []controlplane.Limit, endpoints map[controlplane.ID]Endpoint, accounts []Account) *Replay {
	p := &Replay{r: r, limits: limits, endpoints: endpoints, accounts: make(map[controlplane.ID]*player, len(accounts))}
	for _, a := range accounts {
		p.accounts[a.ID] = newPlayer(a, limits)
	}
	for _, p.minutes = range []int64{1, 5, 15, 60, 180, 360, 1440} {
		if int64(r.To.Sub(r.From)/time.Minute) <= p.minutes*maxPoints {
			break
		}
	}
	step := time.Duration(p.minutes) * time.Minute
	for t := r.From; t.Before(r.To); t = t.Add(step) {
		p.points = append(p.points, Point{Start: t})
	}
	p.atLeast = make([][]float64, len(limits))
	for i := range limits {
		p.atLeast[i] = make([]float64, len(p.points))
	}
	return p
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
	if p.subjects += p.pending.add(&row, p.endpoints); p.subjects > maxSubjects {
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
	harm := p.pending.play(p.minute, func(limit int, atLeast float64) { p.atLeast[limit][point] += atLeast })
	at := &p.points[point]
	at.Requests += harm.Requests
	at.Throttled += harm.Throttled
	at.AtMost += harm.AtMost
	p.pending = nil
}
