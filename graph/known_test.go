package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/weirhq/weir/graph"
)

func TestATextIsJudgedOnce(t *testing.T) {
	const document = "query Tiers { tiers(first: 1) { nodes { id name revision } } }"
	known, err := graph.ReadDocuments([]byte(fmt.Sprintf(`{"tiers": %q}`, document)))
	if err != nil {
		t.Fatal(err)
	}
	spelt := func(n int) string { return strings.ReplaceAll(document, "id", "id "+strings.Repeat(" ", n)) }
	for name, c := range map[string]struct {
		text  string
		known bool
	}{
		"the document":        {document, true},
		"another spelling":    {spelt(1), true},
		"another document":    {spelt(2) + " query Other { viewer { name } }", false},
		"what is no document": {"{", false},
	} {
		for range 2 {
			if got := graph.Known(t.Context(), known, c.text); got != c.known {
				t.Errorf("%s is known: %v", name, got)
			}
		}
		// Parsing takes dozens.
		if n := testing.AllocsPerRun(10, func() { graph.Known(t.Context(), known, c.text) }); n > 8 {
			t.Errorf("%s takes %v allocations when it comes again", name, n)
		}
	}
	for n := range 11_000 { // more than are remembered
		graph.Known(t.Context(), known, fmt.Sprint("{", n))
	}
	if !graph.Known(t.Context(), known, spelt(1)) || graph.Known(t.Context(), known, "{") {
		t.Error("a text that was forgotten is judged otherwise")
	}
}
