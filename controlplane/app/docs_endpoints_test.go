package app_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weirhq/weir/controlplane"
)

// example is the first block of GraphQL of a page.
func example(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```graphql\n")
	operation, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatalf("docs/%s has no example", page)
	}
	return operation
}

func TestTheImportOfTheDocsIsPlannedAndDone(t *testing.T) {
	p := open(t)
	operation := example(t, "endpoints.md")
	var got imported
	p.must(operation, &got)
	want := []string{"ADDED GET /v1/pets 5 Pets", "ADDED GET /v1/pets/{id} 1 Pets"}
	if diff := cmp.Diff(want, got.said()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.must(strings.Replace(operation, "dryRun: true", `plan: "`+got.ImportOpenAPI.Plan+`"`, 1), &got)
	if diff := cmp.Diff(want, got.said()); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
}

func TestThePreviewOfTheDocsIsAnswered(t *testing.T) {
	p := open(t)
	body, err := json.Marshal(map[string]any{
		"query": example(t, "preview.md"), "variables": map[string]any{"tier": "tier_1", "from": time.Now().Add(-time.Hour)},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := p.send("POST", p.http("/graphql"), string(body), "Content-Type", "application/json", "Authorization", "Bearer "+p.token)
	if !strings.Contains(got.Body, `"total":{"requests":0,"throttled":0,"atLeast":0,"atMost":0,"today":{"atLeast":0,"atMost":0}}`) {
		t.Errorf("%+v", got)
	}
}

func TestTheSuggestionsOfTheDocsAreAnswered(t *testing.T) {
	p := open(t)
	if err := p.DB().KeepUnmatched(t.Context(), []controlplane.UnmatchedPath{{Method: "GET", Path: "/users/7", Requests: 2}}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/endpoints.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## From traffic")
	_, rest, _ := strings.Cut(section, "```graphql\n")
	operation, _, _ := strings.Cut(rest, "```")
	var got suggested
	p.must(operation, &got)
	if diff := cmp.Diff([]string{"GET /users/{userId}: 2 requests of 1 paths, 1.00, as /users/7"}, got.said()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
