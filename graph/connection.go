package graph

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
	"github.com/weirhq/weir/controlplane/postgres"
	"github.com/weirhq/weir/controlplane/suggest"
	"github.com/weirhq/weir/graph/model"
)

// The most on a page: of lists that are as long as usage makes them, and of lists
// of policy.
const (
	maxPage       = 200
	maxPolicyPage = 1000
)

// paged is a list that is read page by page. A cursor holds the list's name and a
// node's place in it, so that one of another list is told apart.
type paged[T any, P comparable] struct {
	name  string
	most  int // on a page
	place func(*T) P
}

func tierList() paged[controlplane.Tier, string] {
	return paged[controlplane.Tier, string]{"tiers", maxPolicyPage, func(t *controlplane.Tier) string { return t.Name }}
}

func endpointList() paged[controlplane.Endpoint, postgres.EndpointPlace] {
	return paged[controlplane.Endpoint, postgres.EndpointPlace]{"endpoints", maxPolicyPage, postgres.PlaceOfEndpoint}
}

func suggestionList() paged[suggest.Suggestion, suggest.Place] {
	return paged[suggest.Suggestion, suggest.Place]{"suggestedEndpoints", maxPage, func(s *suggest.Suggestion) suggest.Place { return s.Place() }}
}

func groupList() paged[controlplane.EndpointGroup, string] {
	return paged[controlplane.EndpointGroup, string]{"endpointGroups", maxPolicyPage, func(g *controlplane.EndpointGroup) string { return g.Name }}
}

func meterList() paged[controlplane.Meter, string] {
	return paged[controlplane.Meter, string]{"meters", maxPolicyPage, func(m *controlplane.Meter) string { return m.Name }}
}

func overrideList() paged[controlplane.Override, postgres.OverridePlace] {
	return paged[controlplane.Override, postgres.OverridePlace]{"overrides", maxPage, postgres.PlaceOfOverride}
}

func accountList() paged[controlplane.Account, controlplane.ID] {
	return paged[controlplane.Account, controlplane.ID]{"accounts", maxPage, func(a *controlplane.Account) controlplane.ID { return a.ID }}
}

func keyList() paged[controlplane.Key, controlplane.ID] {
	return paged[controlplane.Key, controlplane.ID]{"keys", maxPage, func(k *controlplane.Key) controlplane.ID { return k.ID }}
}

func identityList() paged[controlplane.Identity, controlplane.ID] {
	return paged[controlplane.Identity, controlplane.ID]{"identities", maxPage, func(i *controlplane.Identity) controlplane.ID { return i.ID }}
}

func tokenList() paged[controlplane.APIToken, controlplane.ID] {
	return paged[controlplane.APIToken, controlplane.ID]{"apiTokens", maxPage, func(t *controlplane.APIToken) controlplane.ID { return t.ID }}
}

func memberList() paged[controlplane.Member, controlplane.ID] {
	return paged[controlplane.Member, controlplane.ID]{"members", maxPage, func(m *controlplane.Member) controlplane.ID { return m.ID }}
}

func denialList() paged[controlplane.Denial, controlplane.ID] {
	return paged[controlplane.Denial, controlplane.ID]{"denials", maxPage, func(d *controlplane.Denial) controlplane.ID { return d.ID }}
}

func auditList() paged[audit.Record, int64] {
	return paged[audit.Record, int64]{"auditLog", maxPage, func(r *audit.Record) int64 { return r.Seq }}
}

func unaccountedList() paged[controlplane.UnaccountedUsage, controlplane.ID] {
	return paged[controlplane.UnaccountedUsage, controlplane.ID]{"unaccountedUsage", maxPage, func(u *controlplane.UnaccountedUsage) controlplane.ID { return u.ID }}
}

func correctionList() paged[controlplane.Correction, controlplane.ID] {
	return paged[controlplane.Correction, controlplane.ID]{"corrections", maxPage, func(c *controlplane.Correction) controlplane.ID { return c.ID }}
}

func scheduledList() paged[controlplane.ScheduledChange, controlplane.ID] {
	return paged[controlplane.ScheduledChange, controlplane.ID]{"scheduledChanges", maxPage, func(c *controlplane.ScheduledChange) controlplane.ID { return c.ID }}
}

// from checks a page's size and reads where it begins; the zero place is the
// beginning.
func (l paged[T, P]) from(first int, after *string) (place P, err error) {
	if first < 1 || first > l.most {
		return place, controlplane.Invalid("first", "give a number from 1 to %d", l.most)
	}
	if after == nil {
		return place, nil
	}
	content, err := base64.RawURLEncoding.DecodeString(*after)
	name, text, _ := strings.Cut(string(content), " ")
	var none P
	switch {
	case err != nil || name != l.name || strings.Contains(text, `\u0000`),
		json.Unmarshal([]byte(text), &place) != nil, place == none, l.cursor(place) != *after:
		return none, controlplane.Invalid("after", "give the endCursor of a page of this list, or the cursor of one of its edges")
	}
	return place, nil
}

// cursor is text that only from reads. Places are of names and numbers, which JSON
// can always write.
func (l paged[T, P]) cursor(place P) string {
	text, _ := json.Marshal(place)
	return base64.RawURLEncoding.EncodeToString([]byte(l.name + " " + string(text)))
}

// page makes a connection of what was found after a cursor; count counts what is on
// all pages, when somebody asks.
func (l paged[T, P]) page(found []T, more bool, after *string, count func(context.Context) (int, error)) *model.Connection[T] {
	c := &model.Connection[T]{
		Edges: make([]*model.Edge[T], len(found)), Nodes: pointers(found), Count: count,
		PageInfo: &model.PageInfo{HasNextPage: more, HasPreviousPage: after != nil},
	}
	for i := range found {
		c.Edges[i] = &model.Edge[T]{Cursor: l.cursor(l.place(&found[i])), Node: &found[i]}
	}
	if n := len(found); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
	return c
}

// counting counts all of something.
func (r *Resolver) counting(of postgres.Counted) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) { return r.DB.Count(ctx, of) }
}
