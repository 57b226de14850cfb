package filter

import (
	"os"
	"strings"
	"testing"
)

// The guide names each field of the configuration, and no other.
func TestTheGuideNamesEveryField(t *testing.T) {
	_, err := parseConfig([]byte(`{"no-such-field": 1}`))
	if err == nil {
		t.Fatal("an unknown field was taken")
	}
	_, list, _ := strings.Cut(err.Error(), "known are ")
	known := strings.Split(strings.Replace(list, " and ", ", ", 1), ", ")
	text, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| field | what it is |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	named := map[string]bool{}
	for row := range strings.Lines(table) {
		named[strings.Split(row, "`")[1]] = true
	}
	for _, field := range known {
		if !named[field] {
			t.Errorf("docs/install.md doesn't name %s", field)
		}
		delete(named, field)
	}
	for field := range named {
		t.Errorf("docs/install.md names %s, which the filter doesn't know", field)
	}
}
