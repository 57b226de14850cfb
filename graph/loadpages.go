package graph

import (
	"context"

	"github.com/vikstrous/dataloadgen"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/graph/model"
)

// ownedPage is a page of what belongs to an owner.
type ownedPage[P comparable] struct {
	owner controlplane.ID
	pageOf[P]
}

// pageOf is where a page begins, and its size.
type pageOf[P comparable] struct {
	after P
	first int
}

type (
	pageLoader[T any, P comparable] = dataloadgen.Loader[ownedPage[P], []*T]
	countLoader                     = dataloadgen.Loader[controlplane.ID, int]
)

// newPageLoader makes a loader of a query for pages of several owners: the same page
// of each in one query. A page has one more than was asked for where there are more.
func newPageLoader[T any, P comparable](query func(ctx context.Context, owners []controlplane.ID, after P, first int) ([]T, error), owner func(*T) controlplane.ID) *pageLoader[T, P] {
	return dataloadgen.NewMappedLoader(func(ctx context.Context, wanted []ownedPage[P]) (map[ownedPage[P]][]*T, error) {
		owners := map[pageOf[P]][]controlplane.ID{}
		for _, w := range wanted {
			owners[w.pageOf] = append(owners[w.pageOf], w.owner)
		}
		out := map[ownedPage[P]][]*T{}
		for page, ids := range owners {
			found, err := query(ctx, ids, page.after, page.first)
			if err != nil {
				return nil, err
			}
			for id, rows := range group(ids, pointers(found), owner) {
				out[ownedPage[P]{id, page}] = rows
			}
		}
		return out, nil
	}, dataloadgen.WithWait(loaderWait))
}

func newCountLoader(db *postgres.DB, of postgres.OwnedCount) *countLoader {
	return dataloadgen.NewMappedLoader(func(ctx context.Context, owners []controlplane.ID) (map[controlplane.ID]int, error) {
		counts, err := db.CountByOwner(ctx, of, owners)
		if err != nil {
			return nil, err
		}
		for _, id := range owners {
			counts[id] += 0 // an owner without any has an answer too
		}
		return counts, nil
	}, dataloadgen.WithWait(loaderWait))
}

// ofOwner reads a page of what belongs to an owner.
func ofOwner[T any, P comparable](ctx context.Context, list paged[T, P], rows *pageLoader[T, P], counts *countLoader, owner controlplane.ID, place P, first int, after *string) (*model.Connection[T], error) {
	loaded, err := rows.Load(ctx, ownedPage[P]{owner, pageOf[P]{place, first}})
	if err != nil {
		return nil, err
	}
	found := make([]T, 0, min(len(loaded), first))
	for _, v := range loaded[:min(len(loaded), first)] {
		found = append(found, *v)
	}
	count := func(ctx context.Context) (int, error) { return counts.Load(ctx, owner) }
	return list.page(found, len(loaded) > first, after, count), nil
}
