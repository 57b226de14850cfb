package app_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
)

type suggested struct {
	SuggestedEndpoints struct {
		TotalCount int
		Nodes      []struct {
			Method, Template string
			Requests         int64
			Share            float64
			PathCount        int
			Examples         []string
		}
		PageInfo struct {
			HasNextPage bool
			EndCursor   string
		}
	}
}

func (s *suggested) said() (lines []string) {
	for _, n := range s.SuggestedEndpoints.Nodes {
		lines = append(lines, fmt.Sprintf("%s %s: %d requests of %d paths, %.2f, as %s", n.Method, n.Template, n.Requests, n.PathCount, n.Share, n.Examples[0]))
	}
	return lines
}

func TestEndpointsAreMadeOfWhatTrafficShows(t *testing.T) {
	p := open(t)
	const suggesting = `suggestedEndpoints(first:1){totalCount nodes{method template requests share pathCount examples} pageInfo{hasNextPage endCursor}}`
	var none suggested
	p.must(`{`+suggesting+`}`, &none)
	if none.SuggestedEndpoints.TotalCount != 0 {
		t.Errorf("before any traffic %+v", none)
	}
	if err := p.DB().KeepUnmatched(t.Context(), []controlplane.UnmatchedPath{
		{Method: "GET", Path: "/users/7", Requests: 2}, {Method: "GET", Path: "/users/8", Requests: 1}, {Method: "POST", Path: "/users", Requests: 1},
	}); err != nil {
		t.Fatal(err)
	}
	var first, second suggested
	p.must(`{`+suggesting+`}`, &first)
	if diff := cmp.Diff([]string{"GET /users/{userId}: 3 requests of 2 paths, 0.75, as /users/7"}, first.said()); diff != "" || first.SuggestedEndpoints.TotalCount != 2 {
		t.Errorf("the first page of %d (-want +got):\n%s", first.SuggestedEndpoints.TotalCount, diff)
	}
	p.must(fmt.Sprintf(`{suggestedEndpoints(first:5,after:%q){nodes{method template requests share pathCount examples} pageInfo{hasNextPage}}}`, first.SuggestedEndpoints.PageInfo.EndCursor), &second)
	if diff := cmp.Diff([]string{"POST /users: 1 requests of 1 paths, 0.25, as /users"}, second.said()); diff != "" || second.SuggestedEndpoints.PageInfo.HasNextPage {
		t.Errorf("the next page (-want +got):\n%s", diff)
	}

	const get, post = `{method:"GET",template:"/users/{userId}",cost:3}`, `{method:"POST",template:"/users"}`
	p.wantErrors(`mutation{createEndpoints(input:{endpoints:[]}){snapshot}}`, "VALIDATION endpoints")
	p.wantErrors(`mutation{createEndpoints(input:{endpoints:[`+get+`,{method:"get",template:"a",cost:0}]}){snapshot}}`,
		"VALIDATION endpoints.1.method", "VALIDATION endpoints.1.template", "VALIDATION endpoints.1.cost")
	p.wantErrors(`mutation{createEndpoints(input:{endpoints:[`+get+`,`+post+`,{method:"GET",template:"/users/{id}"}]}){snapshot}}`, "VALIDATION endpoints.2.template")
	p.wantErrors(`mutation{createEndpoints(input:{endpoints:[`+get+`,{method:"PUT",template:"/users",groupId:"grp_99"}]}){snapshot}}`, "NOT_FOUND endpoints.1.groupId")
	var made struct {
		CreateEndpoints struct {
			Endpoints []struct {
				Template string
				Cost     int
			}
		}
	}
	var after struct {
		suggested
		Endpoints struct{ TotalCount int }
		AuditLog  struct{ Nodes []auditRecord }
	}
	p.must(`mutation{createEndpoints(input:{endpoints:[`+get+`,`+post+`]}){endpoints{template cost}}}`, &made)
	if e := made.CreateEndpoints.Endpoints; len(e) != 2 || e[0].Template != "/users/{userId}" || e[0].Cost != 3 || e[1].Template != "/users" {
		t.Errorf("made %+v", e)
	}
	p.must(`{`+suggesting+` endpoints{totalCount} auditLog(first:2){nodes{action before after}}}`, &after)
	if after.SuggestedEndpoints.TotalCount != 0 || after.Endpoints.TotalCount != 2 {
		t.Errorf("then %d endpoints, and %d are suggested; want 2 and none", after.Endpoints.TotalCount, after.SuggestedEndpoints.TotalCount)
	}
	for _, r := range after.AuditLog.Nodes {
		if r.Action != "CREATE_ENDPOINT" {
			t.Errorf("recorded as %+v", r)
		}
	}
}
