package graph

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/graph/model"
)

// Bounds of answers about what was sent and what is missing.
const (
	maxReconciledDays    = 400
	maxReconciledRows    = 1000 // on a page
	maxReconciledSources = 500
)

// reconciledFrom checks a range of days and reads where in their rows a page
// begins; nil is the beginning.
func reconciledFrom(from, to time.Time, first int, after *string) (*controlplane.ReconciledPlace, error) {
	switch {
	case to.Before(from):
		return nil, controlplane.Invalid("to", "give the same day as `from` or a later one")
	case to.Sub(from) >= maxReconciledDays*24*time.Hour:
		return nil, controlplane.Invalid("from", "give at most %d days", maxReconciledDays)
	case from.Year() < 1970 || to.Year() > 9998:
		return nil, controlplane.Invalid("from", "give dates from 1970 to 9998")
	case first < 1 || first > maxReconciledRows:
		return nil, controlplane.Invalid("first", "give a number from 1 to %d", maxReconciledRows)
	case after == nil:
		return nil, nil
	}
	return placeOf(*after)
}

// The beginnings of cursors of reconciliations.
const (
	cursorDiffers = "d"
	cursorMatches = "m"
)

func cursorOf(p controlplane.ReconciledPlace) string {
	kind := cursorMatches
	if p.Differs {
		kind = cursorDiffers
	}
	return kind + "." + p.Date.Format(time.DateOnly) + "." + strconv.FormatInt(int64(p.AccountID), 10)
}

// placeOf reads what cursorOf wrote.
func placeOf(cursor string) (*controlplane.ReconciledPlace, error) {
	kind, rest, _ := strings.Cut(cursor, ".")
	day, account, _ := strings.Cut(rest, ".")
	date, err1 := time.Parse(time.DateOnly, day)
	id, err2 := strconv.ParseInt(account, 10, 64)
	if err1 != nil || err2 != nil || id < 0 || kind != cursorDiffers && kind != cursorMatches {
		return nil, controlplane.Invalid("after", "give the endCursor of the page before")
	}
	return &controlplane.ReconciledPlace{Differs: kind == cursorDiffers, Date: date, AccountID: controlplane.ID(id)}, nil
}

// reconciledPage says where a page of a reconciliation lies.
func reconciledPage(ctx context.Context, r *controlplane.Reconciliation) *model.PageInfo {
	after, _ := graphql.GetFieldContext(ctx).Parent.Args["after"].(*string)
	info := &model.PageInfo{HasNextPage: r.More, HasPreviousPage: after != nil}
	if n := len(r.Rows); n > 0 {
		start, end := cursorOf(r.Rows[0].Place()), cursorOf(r.Rows[n-1].Place())
		info.StartCursor, info.EndCursor = &start, &end
	}
	return info
}
