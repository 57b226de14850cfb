package graph

import (
	"context"
	"errors"

	"github.com/weirhq/weir/controlplane"
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

func versionList() paged[controlplane.TierVersion, int] {
	return paged[controlplane.TierVersion, int]{"versions", maxPage, func(v *controlplane.TierVersion) int { return v.Number }}
}

// versionsOf returns a page of a tier's versions.
func versionsOf(ctx context.Context, tier controlplane.ID, first int, after *string) (*model.TierVersionConnection, error) {
	below, err := versionList().from(first, after)
	if err != nil {
		return nil, err
	}
	total := loadersOf(ctx).numberedCounts.LoadThunk(ctx, tier)
	page, err := ofOwner(ctx, versionList(), loadersOf(ctx).versionPages, loadersOf(ctx).numberedCounts, tier, below, first, after)
	if err != nil {
		return nil, err
	}
	c := &model.TierVersionConnection{Edges: []*model.TierVersionEdge{}, Nodes: page.Nodes, PageInfo: page.PageInfo}
	for _, e := range page.Edges {
		c.Edges = append(c.Edges, &model.TierVersionEdge{Cursor: e.Cursor, Node: e.Node})
	}
	c.TotalCount, err = total()
	return c, err
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
	p := controlplane.Publication{Revision: in.Revision, Move: migrationOf(*in.Move)}
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

func migrationOf(in model.MoveInput) controlplane.Migration {
	m := controlplane.Migration{When: in.When, Steps: in.Steps}
	if in.StepMinutes != nil {
		m.StepMinutes = *in.StepMinutes
	}
	return m
}
