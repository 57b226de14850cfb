package model

import (
	"context"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/suggest"
)

// Node is a noun that has an id.
type Node any

// Connection is one page of a list of nouns.
type Connection[T any] struct {
	Edges    []*Edge[T]
	Nodes    []*T
	PageInfo *PageInfo
	// Count counts the nodes on all pages, when somebody asks; nil where nobody can.
	Count func(context.Context) (int, error)
}

// TotalCount returns how many nodes there are on all pages.
func (c *Connection[T]) TotalCount(ctx context.Context) (int, error) { return c.Count(ctx) }

// Edge is a place in a list.
type Edge[T any] struct {
	Cursor string
	Node   *T
}

// The connections of the schema, and their edges.
//
//nolint:revive // one comment is for all of them
type (
	AccountConnection           = Connection[controlplane.Account]
	AccountEdge                 = Edge[controlplane.Account]
	OverrideConnection          = Connection[controlplane.Override]
	OverrideEdge                = Edge[controlplane.Override]
	IdentityConnection          = Connection[controlplane.Identity]
	IdentityEdge                = Edge[controlplane.Identity]
	EndpointConnection          = Connection[controlplane.Endpoint]
	EndpointEdge                = Edge[controlplane.Endpoint]
	EndpointGroupConnection     = Connection[controlplane.EndpointGroup]
	EndpointGroupEdge           = Edge[controlplane.EndpointGroup]
	SuggestedEndpointConnection = Connection[suggest.Suggestion]
	SuggestedEndpointEdge       = Edge[suggest.Suggestion]
	KeyConnection               = Connection[controlplane.Key]
	KeyEdge                     = Edge[controlplane.Key]
	MemberConnection            = Connection[controlplane.Member]
	MemberEdge                  = Edge[controlplane.Member]
	TierConnection              = Connection[controlplane.Tier]
	TierEdge                    = Edge[controlplane.Tier]
	MeterConnection             = Connection[controlplane.Meter]
	MeterEdge                   = Edge[controlplane.Meter]
	ApiTokenConnection          = Connection[controlplane.APIToken]
	ApiTokenEdge                = Edge[controlplane.APIToken]
	DenialConnection            = Connection[controlplane.Denial]
	DenialEdge                  = Edge[controlplane.Denial]
	AuditConnection             = Connection[audit.Record]
	AuditEdge                   = Edge[audit.Record]
	UnaccountedUsageConnection  = Connection[controlplane.UnaccountedUsage]
	UnaccountedUsageEdge        = Edge[controlplane.UnaccountedUsage]
	CorrectionConnection        = Connection[controlplane.Correction]
	CorrectionEdge              = Edge[controlplane.Correction]
	ScheduledChangeConnection   = Connection[controlplane.ScheduledChange]
	ScheduledChangeEdge         = Edge[controlplane.ScheduledChange]
)
