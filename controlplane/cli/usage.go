package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane/client"
	"github.com/weirhq/weir/controlplane/zone"
)

type usageCommand struct {
	Remote
	Output
	span
	Top int `default:"20" help:"How many groups, 1 to 100, those with the most requests; the rest is one row."`
}

// usageRow is one row of usage.
type usageRow struct {
	At    *time.Time `json:"at,omitempty"`    // where the bucket begins; nil without --by
	Group string     `json:"group,omitempty"` // what it is split by, with · between
	// Values are what to narrow by to see only this group, as in UsageGroup.values.
	Values []string `json:"values,omitempty"`
	client.Figures
}

// Run shows usage.
func (c usageCommand) Run(ctx context.Context, t *Terminal, remote *client.Client) error {
	asked, err := c.resolve(ctx, remote, t.Now())
	if err != nil {
		return err
	}
	got, err := client.ExploreUsage(ctx, remote, asked.input(c.TimeZone, c.Top))
	if err != nil {
		return err
	}
	location, err := zone.Load(c.TimeZone)
	if err != nil {
		return wrongUsage("--time-zone: %v", err)
	}
	rows := usageRows(got.Explore, location)
	if len(asked.groupBy) > 0 && c.Output.Output == "table" {
		fmt.Fprintf(t.Err, "%d of %s\n", len(got.Explore.Groups), Counted(got.Explore.GroupCount, "group"))
	}
	return write(t, c.Output, rows, usageName, usageColumns(rows, strings.Join(c.Group, " · "))...)
}

func usageName(r usageRow) string {
	if r.At == nil {
		return r.Group
	}
	return strings.TrimSpace(r.At.Format(time.RFC3339) + " " + r.Group)
}

// usageRows lists a report's points, or its groups, or the points of its groups that
// have any requests.
func usageRows(report client.ExploreUsageExploreUsageReport, zone *time.Location) []usageRow {
	rows := []usageRow{}
	points := func(group string, values []string, series *client.Columns, all bool) {
		for i, begins := range report.Points {
			row := usageRow{Group: group, Values: values, Figures: figuresAt(series, i)}
			if begins = begins.In(zone); all || row.Requests != 0 {
				row.At = &begins
				rows = append(rows, row)
			}
		}
	}
	for _, g := range report.Groups {
		if g.Series != nil {
			points(g.Label, g.Values, g.Series, false)
			continue
		}
		rows = append(rows, usageRow{Group: g.Label, Values: g.Values, Figures: g.Totals})
	}
	switch {
	case len(report.Groups) == 0 && report.Series != nil:
		points("", nil, report.Series, true)
	case len(report.Groups) == 0:
		rows = append(rows, usageRow{Figures: report.Totals})
	case report.Series == nil && report.Other != nil:
		rows = append(rows, usageRow{Group: "(all others)", Figures: report.Other.Totals})
	}
	return rows
}

func figuresAt(s *client.Columns, i int) client.Figures {
	return client.Figures{
		Requests: s.Requests[i], Allowed: s.Allowed[i], Throttled: s.Throttled[i], Refused: s.Refused[i],
		Errors: s.Errors[i], Cost: s.Cost[i], BytesIn: s.BytesIn[i], BytesOut: s.BytesOut[i],
	}
}

// usageColumns are those that rows have something in.
func usageColumns(rows []usageRow, group string) (columns []column[usageRow]) {
	if len(rows) > 0 && rows[0].At != nil {
		columns = append(columns, column[usageRow]{"FROM", false, func(r usageRow) string { return r.At.Format(time.RFC3339) }})
	}
	if group != "" {
		columns = append(columns, column[usageRow]{strings.ToUpper(group), false, func(r usageRow) string { return r.Group }})
	}
	count := func(title string, of func(usageRow) int64) {
		columns = append(columns, column[usageRow]{title, true, func(r usageRow) string { return grouped(of(r)) }})
	}
	count("REQUESTS", func(r usageRow) int64 { return r.Requests })
	count("ALLOWED", func(r usageRow) int64 { return r.Allowed })
	count("THROTTLED", func(r usageRow) int64 { return r.Throttled })
	count("REFUSED", func(r usageRow) int64 { return r.Refused })
	count("ERRORS", func(r usageRow) int64 { return r.Errors })
	count("COST", func(r usageRow) int64 { return r.Cost })
	count("BYTES IN", func(r usageRow) int64 { return r.BytesIn })
	count("BYTES OUT", func(r usageRow) int64 { return r.BytesOut })
	return columns
}
