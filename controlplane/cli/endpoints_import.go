package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/weirhq/weir/controlplane/client"
)

type endpointsImport struct {
	Remote
	Output
	File          string   `arg:"" field:"document" help:"OpenAPI 3.0 or 3.1 as JSON or YAML, at most 5 MB; - is standard input."`
	Source        string   `help:"What its endpoints are remembered by; by default the document's title."`
	BasePath      *string  `help:"What comes before each path, such as /v1; by default that of the document's first server."`
	GroupByTag    bool     `help:"Put endpoints that are in no group into one called as their first tag."`
	DeleteMissing bool     `field:"missing" help:"Delete what came from this source and isn't in the document, unless something names it."`
	Only          []string `sep:"none" xor:"choice" placeholder:"ENDPOINT" help:"Make this change and no other, such as \"GET /v1/users/{id}\". May be given again."`
	Except        []string `sep:"none" xor:"choice" placeholder:"ENDPOINT" help:"Make all changes but this one. May be given again."`
	DryRun        bool     `help:"Show what it would do, and do nothing."`
	Yes           bool     `short:"y" help:"Don't ask."`
}

// Help says what is never lost.
func (endpointsImport) Help() string {
	return "An endpoint that matches the same requests stays the same one, with its limits, its keys' scopes and its usage. " +
		"What is left out with --only or --except is shown again by the next import. All that is chosen is made, or nothing."
}

// Run imports a document, after showing what that does.
func (c endpointsImport) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	input, err := c.input(t)
	if err != nil {
		return err
	}
	input.DryRun = true
	planned, err := client.ImportOpenApi(ctx, remote, input)
	if err != nil {
		return err
	}
	changes := planned.ImportOpenApi.Changes
	if c.DryRun {
		return c.write(t, changes)
	}
	asking := t.Interactive && !c.Yes
	if asking {
		if err := writeChanges(t.Err, changes); err != nil {
			return err
		}
	}
	if err := t.confirm(c.Yes, fmt.Sprintf("Make %s?", c.counted(changes))); err != nil {
		return err
	}
	input.DryRun, input.Plan = false, &planned.ImportOpenApi.Plan
	done, err := client.ImportOpenApi(ctx, remote, input)
	if err != nil {
		return err
	}
	d := done.ImportOpenApi
	fmt.Fprintf(t.Err, "%s %s: made %s, counted from snapshot %d on\n", printable(d.Title), printable(d.Version), c.counted(changes), *d.Snapshot)
	if asking && c.Output.Output == "table" {
		return nil // it has been shown
	}
	return c.write(t, d.Changes)
}

// maxDocument is how long a document may be.
const maxDocument = 5 << 20

func (c endpointsImport) input(t *Terminal) (client.ImportOpenApiInput, error) {
	document := t.In
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return client.ImportOpenApiInput{}, fmt.Errorf("read the document: %w", err)
		}
		defer file.Close()
		document = file
	}
	text, err := io.ReadAll(io.LimitReader(document, maxDocument+1))
	if err != nil {
		return client.ImportOpenApiInput{}, fmt.Errorf("read the document: %w", err)
	}
	if len(text) > maxDocument {
		return client.ImportOpenApiInput{}, errors.New("the document has more than 5 MB")
	}
	input := client.ImportOpenApiInput{
		Document: string(text), BasePath: c.BasePath, GroupByTag: c.GroupByTag, Missing: client.MissingEndpointsKeep, Only: c.Only, Except: c.Except,
	}
	if c.Source != "" {
		input.Source = &c.Source
	}
	if c.DeleteMissing {
		input.Missing = client.MissingEndpointsDelete
	}
	return input, nil
}

// counted says how many of the changes are made that could be.
func (c endpointsImport) counted(changes []client.EndpointChange) string {
	chosen, all := 0, 0
	for _, change := range changes {
		if !c.makes(change) {
			continue
		}
		all++
		if change.Chosen {
			chosen++
		}
	}
	if chosen == all {
		return Counted(all, "change")
	}
	return fmt.Sprintf("%d of %s", chosen, Counted(all, "change"))
}

// makes says whether a change would be made if it were chosen.
func (c endpointsImport) makes(change client.EndpointChange) bool {
	switch change.Kind {
	case client.EndpointChangeKindAdded, client.EndpointChangeKindChanged:
		return true
	case client.EndpointChangeKindMissing:
		return c.DeleteMissing && len(change.UsedBy) == 0
	}
	return false
}

func changeName(c client.EndpointChange) string { return c.Method + " " + c.Template }

// write shows what is changed, and why what isn't.
func (c endpointsImport) write(t *Terminal, changes []client.EndpointChange) error {
	return write(t, c.Output, told(changes), changeName, changeColumns()...)
}

func writeChanges(out io.Writer, changes []client.EndpointChange) error {
	return write(&Terminal{Out: out}, Output{}, told(changes), changeName, changeColumns()...)
}

// told are the changes but those that are none.
func told(changes []client.EndpointChange) []client.EndpointChange {
	some := []client.EndpointChange{}
	for _, c := range changes {
		if c.Kind != client.EndpointChangeKindUnchanged {
			some = append(some, c)
		}
	}
	return some
}

func changeColumns() []column[client.EndpointChange] {
	return []column[client.EndpointChange]{
		{"CHANGE", false, func(c client.EndpointChange) string { return becomes(c) }},
		{"ENDPOINT", false, changeName},
		{"COST", true, func(c client.EndpointChange) string { return strconv.Itoa(c.Cost) }},
		{"GROUP", false, func(c client.EndpointChange) string { return groupOf(c) }},
		{"NOTE", false, func(c client.EndpointChange) string { return changeNote(c) }},
	}
}

func groupOf(c client.EndpointChange) string {
	if c.Group == nil {
		return "-"
	}
	return *c.Group
}

// becomes says in a word what happens to an endpoint.
func becomes(c client.EndpointChange) string {
	switch {
	case c.Deleted:
		return "delete"
	case c.Kind == client.EndpointChangeKindConflict:
		return "conflict"
	case c.Kind == client.EndpointChangeKindMissing:
		return "missing"
	case !c.Chosen:
		return "left out"
	case c.Kind == client.EndpointChangeKindAdded:
		return "add"
	}
	return "change"
}

func changeNote(c client.EndpointChange) string {
	notes := []string{}
	if c.Note != nil {
		notes = append(notes, *c.Note)
	}
	if c.Before != nil && c.Before.Template != c.Template {
		notes = append(notes, "was "+c.Before.Template)
	}
	for _, u := range c.UsedBy {
		notes = append(notes, "named by "+u.Name)
	}
	return orDash(strings.Join(notes, "; "))
}
