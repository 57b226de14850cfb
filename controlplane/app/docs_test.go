package app_test

import (
	"os"
	"strings"
	"testing"
)

// The example of docs/limits.md does what stands there.
func TestTheTierOfTheDocsCanBeCreated(t *testing.T) {
	text, err := os.ReadFile("../../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```graphql\n")
	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/limits.md has no example")
	}
	p := open(t)
	var got struct {
		CreateTier struct{ Tier struct{ ID string } }
	}
	p.must(example, &got)
	var tier struct {
		Tier struct {
			Limits []struct{ Name, Kind, Mode, Selector, FailMode string }
		}
	}
	p.must(`{tier(id:"`+got.CreateTier.Tier.ID+`"){limits{name kind mode selector failMode}}}`, &tier)
	var said []string
	for _, l := range tier.Tier.Limits {
		said = append(said, strings.Join([]string{l.Name, l.Kind, l.Mode, l.Selector, l.FailMode}, " "))
	}
	want := "hourly RATE ENFORCE ALL OPEN, writes WINDOW ENFORCE WRITES OPEN, monthly QUOTA ENFORCE ALL CLOSED, hourly-stricter RATE SHADOW ALL OPEN"
	if strings.Join(said, ", ") != want {
		t.Errorf("got %q, want %q", said, want)
	}
}
