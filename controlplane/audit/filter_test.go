package audit_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/weirhq/weir/controlplane/audit"
)

func TestAFilterSaysWhatIsWrongWithItsText(t *testing.T) {
	for text, want := range map[string]string{
		"Acme": "", "Zoë": "",
		"a\x00":                  "text: leave out control characters, and use UTF-8",
		"a\xff":                  "text: leave out control characters, and use UTF-8",
		strings.Repeat("a", 129): "text: use at most 128 characters",
	} {
		var told string
		if err := (&audit.Filter{Text: text}).Validate(); err != nil {
			told = err.Error()
		}
		if told != want {
			t.Errorf("%.20q: %q, want %q", text, told, want)
		}
	}
}

// What the dashboard calls actions is a table of its own.
func TestTheDashboardHasWordsForEveryAction(t *testing.T) {
	table, err := os.ReadFile("../../frontend/src/pages/audit-words.ts")
	if err != nil {
		t.Fatal(err)
	}
	named := map[audit.Action]bool{}
	for _, line := range regexp.MustCompile(`(?m)^  ([A-Z_]+): "[A-Z]\S`).FindAllSubmatch(table, -1) {
		named[audit.Action(line[1])] = true
	}
	for _, a := range audit.Actions() {
		if !named[a] {
			t.Errorf("%s has no words", a)
		}
		delete(named, a)
	}
	for a := range named {
		t.Errorf("there is no action %s", a)
	}
}
