package graph

import (
	"strconv"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/graph/model"
)

// Bounds of answers about what was sent and what is missing.
const (
	maxReconciledDays    = 400
	maxReconciledRows    = 1000 // on a page
	maxReconciledSources = 500
	maxAuditPage         = 200
)

// reconciledFrom checks a range of days and reads where in their rows a page
// begins.
func reconciledFrom(from, to time.Time, first int, after *string) (skip int, err error) {
	switch {
	case to.Before(from):
		return 0, controlplane.Invalid("to", "give the same day as `from` or a later one")
	case to.Sub(from) >= maxReconciledDays*24*time.Hour:
		return 0, controlplane.Invalid("from", "give at most %d days", maxReconciledDays)
	case from.Year() < 1970 || to.Year() > 9998:
		return 0, controlplane.Invalid("from", "give dates from 1970 to 9998")
	case first < 1 || first > maxReconciledRows:
		return 0, controlplane.Invalid("first", "give a number from 1 to %d", maxReconciledRows)
	case after == nil:
		return 0, nil
	}
	skip, err = strconv.Atoi(*after)
	if err != nil || skip < 0 {
		return 0, controlplane.Invalid("after", "give the endCursor of the page before")
	}
	return skip, nil
}

func reconciledPage(r *controlplane.Reconciliation) *model.PageInfo {
	read := r.After + len(r.Rows)
	info := &model.PageInfo{HasNextPage: read < r.RowCount}
	if len(r.Rows) > 0 {
		cursor := strconv.Itoa(read)
		info.EndCursor = &cursor
	}
	return info
}

// pageFrom checks a page's size and reads where it begins; 0 is the beginning.
func pageFrom(kind controlplane.Kind, first int, after *string) (controlplane.ID, error) {
	if first < 1 || first > maxAuditPage {
		return 0, controlplane.Invalid("first", "give a number from 1 to %d", maxAuditPage)
	}
	return optional(kind, "after", after)
}

func pageInfo[T any](page []T, more bool, cursor func(*T) string) *model.PageInfo {
	info := &model.PageInfo{HasNextPage: more}
	if n := len(page); n > 0 {
		last := cursor(&page[n-1])
		info.EndCursor = &last
	}
	return info
}
