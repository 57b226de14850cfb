package controlplane

import (
	"time"

	"github.com/weirhq/weir/plugin/wire"
)

// ReconciledFigures are requests that Envoys sent beside those in the rollups.
type ReconciledFigures struct {
	Sent, RolledUp      int64 // without corrections and imports
	Corrected, Imported int64
}

// Difference is what the rollups have more than was sent.
func (f ReconciledFigures) Difference() int64 { return f.RolledUp - f.Sent }

// ReconciliationRow is one account, 0 for nobody, on one day in UTC.
type ReconciliationRow struct {
	Date      time.Time // its midnight
	AccountID ID
	Figures   ReconciledFigures
}

// Place is where the row is in the order of all: those with a difference first, then
// the newest days, then the newest accounts.
func (r *ReconciliationRow) Place() ReconciledPlace {
	return ReconciledPlace{r.Figures.Difference() != 0, r.Date, r.AccountID}
}

// ReconciledPlace is a place among the rows of a reconciliation. It stays the same
// while usage comes in, but for a row that begins or ceases to differ.
type ReconciledPlace struct {
	Differs   bool
	Date      time.Time
	AccountID ID
}

// Reconciliation is a page of rows and what is so of all of them. From and To are days in UTC, both inclusive.
type Reconciliation struct {
	From, To  time.Time
	AccountID ID // 0: all
	Totals    ReconciledFigures
	Rows      []ReconciliationRow
	RowCount  int
	Differing int  // rows with a difference
	More      bool // rows after the page
}

// Matches says whether no row has a difference.
func (r *Reconciliation) Matches() bool { return r.Differing == 0 }

// ReconciledLevel is one rollup beside what was sent, over those days of a range
// that it has; From and To are nil when there are none.
type ReconciledLevel struct {
	Granularity    Granularity
	From, To       *time.Time
	Sent, RolledUp int64
}

// Difference is what the rollup has more than was sent.
func (l ReconciledLevel) Difference() int64 { return l.RolledUp - l.Sent }

// ReconciledSource is what one source sent. SentEver and Committed are since it
// began.
type ReconciledSource struct {
	ID         wire.SourceID
	Node       string
	Sent       int64 // in the range
	SentEver   int64
	Counted    int64
	Committed  int64
	LastSeenAt time.Time
	Ended      bool
}

// Difference is what the rollups have of it more than it sent.
func (s ReconciledSource) Difference() int64 { return s.Committed - s.SentEver }

// UnaccountedUsage is usage that was counted and is not in the rollups, as far as
// anybody knows.
type UnaccountedUsage struct {
	ID         ID
	Kind       string // GAP or SILENT
	Source     wire.SourceID
	Node       string
	From       time.Time
	Until      *time.Time // nil: nobody knows
	AtLeast    int64      // requests
	AtMost     *int64     // nil: nobody knows
	Batches    int64
	FoundAt    time.Time
	ResolvedAt *time.Time
}

// Correction is a change of past usage: what it adds to the minute that it names.
type Correction struct {
	ID                 ID
	Kind               string // VOID, ADJUSTMENT or IMPORT
	ClientID           string // unique for its kind
	AccountID, KeyID   ID     // 0: none, as in what follows
	EndpointID, TierID ID
	At                 time.Time // the minute
	Requests, Cost     int64     // negative takes away, as in what follows
	BytesIn, BytesOut  int64
	MeterID            ID // 0: none
	Amount             int64
	Voids              ID // of a void: the correction that it takes back; 0: usage
	Reason, Actor      string
	CreatedAt          time.Time
}
