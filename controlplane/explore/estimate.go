package explore

import (
	"fmt"

	"github.com/weirhq/weir/controlplane"
)

// CheckRows refuses a question for which about so many rows of the rollups would
// have to be read.
func (q Question) CheckRows(rows int64) error {
	most := int64(MaxRows)
	if q.Want.Latency || q.Want.GroupLatency {
		most = MaxRowsWithLatency
	}
	if rows > most {
		return TooLarge(fmt.Sprintf("would read about %s rows of the rollups, and may read %s", millions(rows), millions(most)))
	}
	return nil
}

// TooLarge is the error for a question that would take too much, with what it
// would take.
func TooLarge(what string) error {
	return controlplane.Invalid("input.from", "this question %s; shorten the range, begin and end at midnight in UTC, take a coarser granularity, or name accounts in the filter", what)
}

func millions(n int64) string { return fmt.Sprintf("%.1f million", float64(n)/1e6) }
