package audit

import (
	"fmt"

	"github.com/weirhq/weir/controlplane"
)

// Reach is accounts that a record is about beside the one that it names: by it the log is
// found by account, as a publication has one record, however many it moves. It is kept
// beside the log, and is no part of the chain.
type Reach struct {
	AccountID controlplane.ID // only this one; 0: those of the cohort
	CohortID  controlplane.ID // those who were in it before the change; 0: who had no tier of their own
	Leaving   bool            // only those of them who have left it with the change
	// Of a split by percentage only those from one percentage up to another; an empty name
	// is none.
	Split    string
	From, To int
}

// InSplit narrows reaches to those between two percentages of a split, such as of a
// pilot.
func InSplit(all []Reach, kind string, id controlplane.ID, from, to int) []Reach {
	if from > to {
		from, to = to, from
	}
	narrowed := make([]Reach, len(all))
	for i, r := range all {
		r.Split, r.From, r.To = fmt.Sprint(kind, " ", id), from, to
		narrowed[i] = r
	}
	return narrowed
}
