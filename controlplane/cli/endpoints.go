package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weirhq/weir/controlplane/client"
)

// Endpoints are the commands for endpoints. They are changed with weir apply.
type Endpoints struct {
	List    endpointsList    `cmd:"" help:"List endpoints by template."`
	Suggest endpointsSuggest `cmd:"" help:"List what endpoints traffic suggests, or make them."`
	Import  endpointsImport  `cmd:"" help:"Import the endpoints of an OpenAPI document, all of its changes or some."`
}

func endpointName(e client.Endpoint) string { return e.Method + " " + e.Template }

func endpointColumns() []column[client.Endpoint] {
	return []column[client.Endpoint]{
		{"ID", false, func(e client.Endpoint) string { return e.Id }},
		{"ENDPOINT", false, endpointName},
		{"COST", true, func(e client.Endpoint) string { return strconv.Itoa(e.Cost) }},
		{"GROUP", false, func(e client.Endpoint) string {
			if e.Group == nil {
				return "-"
			}
			return e.Group.Name
		}},
	}
}

type endpointsList struct {
	Remote
	Output
}

// Run lists endpoints.
func (c endpointsList) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	endpoints, err := allEndpoints(ctx, remote)
	if err != nil {
		return err
	}
	return write(t, c.Output, endpoints, endpointName, endpointColumns()...)
}

type endpointsSuggest struct {
	Remote
	Output
	Accept []string `sep:"none" xor:"accept" field:"endpoints" placeholder:"ENDPOINT" help:"Make this one, such as \"GET /v1/users/{userId}\". May be given again; all are made, or none."`
	All    bool     `xor:"accept" field:"endpoints" help:"Make all of them."`
	Cost   int      `default:"1" field:"endpoints.cost" help:"Cost units of one request to those that are made, 1 to 1000000."`
	Yes    bool     `short:"y" help:"With --all: don't ask."`
}

// Help says where suggestions come from.
func (endpointsSuggest) Help() string {
	return "Suggestions come of a sample of the last 7 days' requests that no endpoint matches, the most requested first. " +
		"Without --accept and --all they are listed and nothing is made."
}

// Run lists suggestions, or makes endpoints of them.
func (c endpointsSuggest) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	suggested, err := gather(func(after *string) ([]client.Suggestion, client.PageInfo, error) {
		page, err := client.ListSuggestedEndpoints(ctx, remote, pageSize, after)
		return page.SuggestedEndpoints.Nodes, page.SuggestedEndpoints.PageInfo, err
	})
	switch {
	case err != nil:
		return err
	case !c.All && len(c.Accept) == 0:
		return writeSuggestions(t, c.Output, suggested)
	}
	accepted, err := c.accepted(suggested)
	if err != nil {
		return err
	}
	if c.All && len(accepted) > 0 {
		if err := t.confirm(c.Yes, fmt.Sprintf("Make %s?", Counted(len(accepted), "endpoint"))); err != nil {
			return err
		}
	}
	made, err := c.make(ctx, t, remote, accepted)
	if err != nil {
		return err
	}
	return write(t, c.Output, made, endpointName, endpointColumns()...)
}

// accepted returns the endpoints to make of suggestions.
func (c endpointsSuggest) accepted(suggested []client.Suggestion) ([]client.CreateEndpointInput, error) {
	if len(c.Accept) > maxCreated {
		return nil, wrongUsage("--accept: give at most %d, or --all", maxCreated)
	}
	var inputs []client.CreateEndpointInput
	var missing []string
	names := make([]string, len(c.Accept))
	for i, name := range c.Accept {
		names[i] = strings.Join(strings.Fields(name), " ")
		if !slices.ContainsFunc(suggested, func(s client.Suggestion) bool { return suggestionName(s) == names[i] }) {
			missing = append(missing, strconv.Quote(name))
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("traffic does not suggest %s; weir endpoints suggest lists what it does", strings.Join(missing, ", "))
	}
	for _, s := range suggested {
		if c.All || slices.Contains(names, suggestionName(s)) {
			inputs = append(inputs, client.CreateEndpointInput{Method: s.Method, Template: s.Template, Cost: c.Cost})
		}
	}
	return inputs, nil
}

// maxCreated is how many endpoints are made at once.
const maxCreated = 100

func (c endpointsSuggest) make(ctx context.Context, t *Terminal, remote *client.Client, accepted []client.CreateEndpointInput) ([]client.Endpoint, error) {
	var endpoints []client.Endpoint
	for part := range slices.Chunk(accepted, maxCreated) {
		made, err := client.CreateEndpoints(ctx, remote, client.CreateEndpointsInput{Endpoints: part})
		if err != nil {
			if len(endpoints) > 0 {
				err = fmt.Errorf("%w\nmade %d of %s; given again, weir endpoints suggest --all makes the rest", err, len(endpoints), Counted(len(accepted), "endpoint"))
			}
			return nil, err
		}
		endpoints = append(endpoints, made.CreateEndpoints.Endpoints...)
		fmt.Fprintf(t.Err, "made %s, counted from snapshot %d on\n", Counted(len(made.CreateEndpoints.Endpoints), "endpoint"), made.CreateEndpoints.Snapshot)
	}
	return endpoints, nil
}

func suggestionName(s client.Suggestion) string { return s.Method + " " + s.Template }

func writeSuggestions(t *Terminal, o Output, suggested []client.Suggestion) error {
	return write(t, o, suggested, suggestionName,
		column[client.Suggestion]{"ENDPOINT", false, suggestionName},
		column[client.Suggestion]{"REQUESTS", true, func(s client.Suggestion) string { return grouped(s.Requests) }},
		column[client.Suggestion]{"SHARE", true, func(s client.Suggestion) string { return strconv.FormatFloat(100*s.Share, 'f', 1, 64) + "%" }},
		column[client.Suggestion]{"PATHS", true, func(s client.Suggestion) string { return grouped(int64(s.PathCount)) }},
		column[client.Suggestion]{"LAST SEEN", false, func(s client.Suggestion) string { return at(&s.LastSeenAt) }},
		column[client.Suggestion]{"EXAMPLE", false, func(s client.Suggestion) string {
			if len(s.Examples) == 0 {
				return "-"
			}
			return s.Examples[0]
		}},
	)
}
