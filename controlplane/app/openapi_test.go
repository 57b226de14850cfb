package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// imported is what importOpenApi answers.
type imported struct {
	ImportOpenAPI struct {
		Source, Title, Version, BasePath, Plan string
		BasePaths                              []string
		Snapshot                               *int64
		Changes                                []struct {
			Kind, EndpointID, Method, Template, Group, Note string
			Cost                                            int
			Chosen, Deleted                                 bool
			UsedBy                                          []struct{ Kind, ID, Name string }
			RecentRequests                                  *int64
		}
	} `json:"importOpenApi"`
}

func (i imported) said() (lines []string) {
	for _, c := range i.ImportOpenAPI.Changes {
		line := fmt.Sprintf("%s %s %s %d %s", c.Kind, c.Method, c.Template, c.Cost, c.Group)
		if c.Deleted {
			line += " deleted"
		}
		for _, u := range c.UsedBy {
			line += " used by " + u.Kind + " " + u.Name
		}
		if c.RecentRequests != nil {
			line += fmt.Sprint(" requests ", *c.RecentRequests)
		}
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

// choices are the changes, and whether each is made.
func (i imported) choices() []string {
	lines := i.said()
	for n, c := range i.ImportOpenAPI.Changes {
		lines[n] = fmt.Sprint(c.Chosen, " ", lines[n])
	}
	return lines
}

// importing is an import as an operation; more are fields of its input.
func importing(document, more string) string {
	text, _ := json.Marshal(document) // as a GraphQL string, which takes all that JSON escapes
	return fmt.Sprintf(`mutation{importOpenApi(input:{document:%s %s}){source title version basePath basePaths plan snapshot
		changes{kind endpointId method template cost group note chosen deleted usedBy{kind id name} recentRequests}}}`, text, more)
}

const petsDocument = `
openapi: 3.0.3
info: {title: Pets, version: 1.0.0}
servers: [{url: https://api.example/v1}, {url: https://api.example/v2}]
paths:
  /pets: {get: {tags: [Pets], x-weir-cost: 2}}
  /pets/{id}: {get: {tags: [Pets]}, delete: {}}
`

func TestAnImportKeepsLimitsAndIDsOfEndpoints(t *testing.T) {
	p := open(t)
	var first imported
	p.must(importing(petsDocument, `groupByTag:true dryRun:true`), &first)
	if first.ImportOpenAPI.Snapshot != nil {
		t.Error("a dry run has a snapshot")
	}
	var none struct {
		Endpoints struct{ Nodes []struct{ ID string } }
	}
	p.must(`{endpoints{nodes{id}}}`, &none)
	if n := len(none.Endpoints.Nodes); n != 0 {
		t.Fatalf("a dry run made %d endpoints", n)
	}
	p.must(importing(petsDocument, fmt.Sprintf(`groupByTag:true plan:%q`, first.ImportOpenAPI.Plan)), &first)
	if diff := cmp.Diff([]string{"ADDED GET /v1/pets 2 Pets", "ADDED DELETE /v1/pets/{id} 1", "ADDED GET /v1/pets/{id} 1 Pets"}, first.said()); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	ids := map[string]string{}
	for _, c := range first.ImportOpenAPI.Changes {
		ids[c.Method+" "+c.Template] = c.EndpointID
	}
	p.must(fmt.Sprintf(`mutation{createTier(input:{name:"Basic",limits:[{name:"deletes",amount:5,period:DAY,endpointId:%q}]}){tier{id}}}`, ids["DELETE /v1/pets/{id}"]), nil)
	p.wantErrors(importing(petsDocument, fmt.Sprintf(`groupByTag:true plan:%q`, first.ImportOpenAPI.Plan)), "CONFLICT plan")

	next := strings.NewReplacer("{id}", "{petId}", ", delete: {}", "", "1.0.0", "1.1.0").Replace(petsDocument)
	var second imported
	p.must(importing(next, `missing:DELETE`), &second)
	if diff := cmp.Diff([]string{
		"MISSING DELETE /v1/pets/{id} 1 used by LIMIT Basic: deletes requests 0",
		"CHANGED GET /v1/pets/{petId} 1 Pets", "UNCHANGED GET /v1/pets 2 Pets",
	}, second.said()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := second.ImportOpenAPI.Changes[1].EndpointID; got != ids["GET /v1/pets/{id}"] {
		t.Errorf("the changed endpoint is %s now, was %v", got, ids)
	}
	p.must(`mutation{updateTier(input:{id:"tier_2",limits:[]}){snapshot}}`, nil)
	p.must(importing(next, `missing:DELETE`), &second)
	if got := second.said()[0]; got != "MISSING DELETE /v1/pets/{id} 1 deleted requests 0" {
		t.Errorf("then %q", got)
	}
	var after struct {
		EndpointSources []struct {
			Name, Version, BasePath string
			EndpointCount           int
		}
		Endpoints struct {
			Nodes []struct {
				Template string
				Source   struct{ Title string }
			}
		}
	}
	p.must(`{endpointSources{name version basePath endpointCount} endpoints{nodes{template source{title}}}}`, &after)
	if s := after.EndpointSources; len(s) != 1 || s[0].Version != "1.1.0" || s[0].EndpointCount != 2 || s[0].BasePath != "/v1" || len(after.Endpoints.Nodes) != 2 || after.Endpoints.Nodes[1].Source.Title != "Pets" {
		t.Errorf("after that %+v", after)
	}
	var log struct{ AuditLog struct{ Nodes []auditRecord } }
	p.must(`{auditLog(first:1){nodes{action before after}}}`, &log)
	if r := log.AuditLog.Nodes[0]; r.Action != "IMPORT_ENDPOINTS" || !strings.Contains(r.After, `"deleted": [{"id": "`) {
		t.Errorf("recorded as %+v", r)
	}
}

func TestAnImportMakesWhatIsChosen(t *testing.T) {
	p := open(t)
	var planned, done imported
	p.must(importing(petsDocument, `groupByTag:true dryRun:true`), &planned)
	plan := fmt.Sprintf(` groupByTag:true plan:%q`, planned.ImportOpenAPI.Plan)
	p.wantErrors(importing(petsDocument, `only:["GET /v1/pets","GET /v1/nothing"]`+plan), "VALIDATION only.1")
	p.wantErrors(importing(petsDocument, `except:["POST /v1/pets"]`+plan), "VALIDATION except.0")
	p.wantErrors(importing(petsDocument, `only:["GET /v1/pets"] except:["GET /v1/pets"]`+plan), "VALIDATION except")
	p.must(importing(petsDocument, `except:["GET /v1/pets","GET /v1/pets/{petId}"]`+plan), &done)
	want := []string{"false ADDED GET /v1/pets 2 Pets", "true ADDED DELETE /v1/pets/{id} 1", "false ADDED GET /v1/pets/{id} 1 Pets"}
	if diff := cmp.Diff(want, done.choices()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var after struct {
		Endpoints, EndpointGroups struct {
			Nodes []struct{ ID, Template string }
		}
		AuditLog struct{ Nodes []auditRecord }
	}
	p.must(`{endpoints{nodes{id template}} endpointGroups{nodes{id}} auditLog(first:1){nodes{action before after}}}`, &after)
	if e := after.Endpoints.Nodes; len(e) != 1 || e[0].Template != "/v1/pets/{id}" || len(after.EndpointGroups.Nodes) != 0 {
		t.Errorf("there are %+v; want what was chosen, and no group of what wasn't", after)
	}
	if r := after.AuditLog.Nodes[0]; strings.Count(r.After, `"method"`) != 1 {
		t.Errorf("recorded as %+v, want the endpoint that was made", r)
	}

	// What wasn't taken is a change again; what is gone is deleted when that is chosen.
	next := strings.NewReplacer(", delete: {}", "", "x-weir-cost: 2", "x-weir-cost: 3").Replace(petsDocument)
	p.wantErrors(importing(next, `only:["DELETE /v1/pets/{id}"]`), "VALIDATION only.0")
	done = imported{}
	p.must(importing(next, `missing:DELETE except:["DELETE /v1/pets/{id}"] dryRun:true`), &done)
	want = []string{"false MISSING DELETE /v1/pets/{id} 1 requests 0", "true ADDED GET /v1/pets 3", "true ADDED GET /v1/pets/{id} 1"}
	if diff := cmp.Diff(want, done.choices()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.must(importing(next, `missing:DELETE only:["DELETE /v1/pets/{id}"]`), nil)
	p.must(`{endpoints{nodes{id template}}}`, &after)
	if len(after.Endpoints.Nodes) != 0 {
		t.Errorf("there are %+v, want none", after.Endpoints)
	}
}

func TestAnImportThatCantBeIsRefusedWhole(t *testing.T) {
	p := open(t)
	p.wantErrors(importing("openapi: 3.0.0", ""), "VALIDATION document")
	p.wantErrors(importing(petsDocument, `basePath:"v1"`), "VALIDATION basePath")
	p.wantErrors(importing(petsDocument, `source:" "`), "VALIDATION source")
	p.wantErrors(importing(petsDocument, `plan:"other"`), "CONFLICT plan")
	var after struct {
		Endpoints       struct{ Nodes []struct{ ID string } }
		EndpointSources []struct{ ID string }
	}
	p.must(`{endpoints{nodes{id}} endpointSources{id}}`, &after)
	if len(after.Endpoints.Nodes)+len(after.EndpointSources) != 0 {
		t.Errorf("there are %+v", after)
	}
	t.Run("a document of the largest size gets there", func(t *testing.T) {
		big := petsDocument + "# " + strings.Repeat("x", 5<<20-len(petsDocument)-2)
		var got imported
		p.must(importing(big, `dryRun:true`), &got)
		if len(got.ImportOpenAPI.Changes) != 3 {
			t.Errorf("got %+v", got)
		}
		p.wantErrors(importing(big+"x", ""), "VALIDATION document")
	})
}
