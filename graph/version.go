package graph

import (
	"context"
	"errors"
	"strconv"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/graph/model"
)

// versionOf returns the version of its tier that an account is on.
func versionOf(ctx context.Context, account controlplane.ID) (*controlplane.TierVersion, error) {
	standing, err := loadersOf(ctx).standings.Load(ctx, account)
	if err != nil {
		return nil, err
	}
	return loadersOf(ctx).versions.Load(ctx, standing.VersionID)
}

func tierPayload(tier controlplane.Tier, version uint64, err error) (*model.TierPayload, error) {
	if err != nil {
		return nil, err
	}
	return &model.TierPayload{Tier: &tier, Snapshot: int64(version)}, nil
}

func versionConnection(page postgres.VersionPage, after *string) *model.TierVersionConnection {
	c := &model.TierVersionConnection{
		TotalCount: page.Total, Nodes: pointers(page.Versions),
		PageInfo: &model.PageInfo{HasNextPage: page.More, HasPreviousPage: after != nil},
	}
	for _, v := range c.Nodes {
		c.Edges = append(c.Edges, &model.TierVersionEdge{Cursor: strconv.Itoa(v.Number), Node: v})
	}
	if n := len(c.Edges); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
	return c
}

// versionNumber reads a cursor; nil is none.
func versionNumber(cursor *string) (int, error) {
	if cursor == nil {
		return 0, nil
	}
	n, err := strconv.Atoi(*cursor)
	if err != nil || n < 1 {
		return 0, controlplane.Invalid("after", "give a cursor of the page before")
	}
	return n, nil
}

func draftOf(in model.SaveTierDraftInput) (controlplane.TierDraft, error) {
	d := controlplane.TierDraft{Revision: in.Revision, Note: in.Note}
	tier, err1 := controlplane.KindTier.Parse("tierId", in.TierID)
	limits, err2 := limitsOf(in.Limits)
	if err := errors.Join(err1, err2); err != nil {
		return d, err
	}
	d.TierID, d.Limits = tier, *limits
	return d, d.Validate()
}

func publicationOf(in model.PublishTierInput) (controlplane.Publication, error) {
	p := controlplane.Publication{Revision: in.Revision, Move: controlplane.Migration{When: in.Move.When}}
	var err1, err2, err3 error
	p.TierID, err1 = controlplane.KindTier.Parse("tierId", in.TierID)
	p.Limits, err2 = limitsOf(in.Limits)
	p.From, err3 = positive("fromVersion", in.FromVersion)
	if in.Note != nil {
		p.Note = *in.Note
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return p, err
	}
	return p, p.Validate()
}
