package bulk

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/plugin/wire"
)

// column is one column of an export: a moment, a text, a whole number or, with
// three decimals, milliseconds. Exactly one of its functions is there. A text or
// a number of milliseconds may be missing.
type column struct {
	name  string
	at    func(*explore.ExportRow) time.Time
	text  func(*explore.ExportRow) (string, bool)
	count func(*explore.ExportRow) int64
	ms    func(*explore.ExportRow) (float64, bool)
}

// columnsOf lists the columns of an export that is split by dimensions.
func columnsOf(groupBy []explore.Dimension) []column {
	columns := []column{{name: "at", at: func(r *explore.ExportRow) time.Time { return r.At }}}
	for i, d := range groupBy {
		columns = append(columns, dimensionColumns(i, d)...)
	}
	counts := func(name string, of func(*controlplane.Totals) int64) {
		columns = append(columns, column{name: name, count: func(r *explore.ExportRow) int64 { return of(&r.Totals) }})
	}
	counts("requests", func(t *controlplane.Totals) int64 { return t.Requests })
	counts("allowed", func(t *controlplane.Totals) int64 { return t.Allowed })
	counts("throttled", func(t *controlplane.Totals) int64 { return t.Throttled })
	counts("refused", func(t *controlplane.Totals) int64 { return t.Refused })
	counts("shadowed", func(t *controlplane.Totals) int64 { return t.Shadowed })
	counts("errors", func(t *controlplane.Totals) int64 { return t.Errors })
	counts("corrected", func(t *controlplane.Totals) int64 { return t.Corrected })
	counts("imported", func(t *controlplane.Totals) int64 { return t.Imported })
	counts("late", func(t *controlplane.Totals) int64 { return t.Late })
	counts("cost", func(t *controlplane.Totals) int64 { return t.Cost })
	counts("bytes_in", func(t *controlplane.Totals) int64 { return t.BytesIn })
	counts("bytes_out", func(t *controlplane.Totals) int64 { return t.BytesOut })
	return append(columns, latencyColumns()...)
}

func latencyColumns() []column {
	columns := []column{{name: "latency_mean_ms", ms: func(r *explore.ExportRow) (float64, bool) {
		return float64(r.Totals.AllowedDurationUS) / float64(max(1, r.Totals.Allowed)) / 1000, r.Totals.Allowed > 0
	}}}
	for _, percent := range []int{50, 95, 99} {
		columns = append(columns, column{name: "latency_p" + strconv.Itoa(percent) + "_ms", ms: func(r *explore.ExportRow) (float64, bool) {
			us, ok := r.Totals.Latency.Quantile(float64(percent) / 100)
			return us / 1000, ok
		}})
	}
	return columns
}

// withMeters adds two columns for each meter, named by its name, or by its id when it
// was deleted: what was counted, and the requests that it was declared for.
func (b *Bulk) withMeters(ctx context.Context, columns []column, meters []controlplane.ID) ([]column, error) {
	if len(meters) == 0 {
		return columns, nil
	}
	found, err := b.db.MetersByID(ctx, meters)
	if err != nil {
		return nil, err
	}
	for i, id := range meters {
		name := controlplane.KindMeter.Format(id)
		if at := slices.IndexFunc(found, func(m controlplane.Meter) bool { return m.ID == id }); at >= 0 {
			name = found[at].Name
		}
		amount := column{name: "meter_amount_" + name, count: func(r *explore.ExportRow) int64 { return r.Meters[i].Amount }}
		if slices.ContainsFunc(columns, func(c column) bool { return c.name == amount.name }) {
			return nil, controlplane.Invalid("meters", "%s is a deleted meter's id and another one's name; ask for one of the two", name)
		}
		columns = append(columns, amount, column{name: "meter_requests_" + name, count: func(r *explore.ExportRow) int64 { return r.Meters[i].Requests }})
	}
	return columns, nil
}

// dimensionColumns are those of the dimension in place i: an id and a name, or a
// value.
func dimensionColumns(i int, d explore.Dimension) []column {
	id := func(name string, kind controlplane.Kind) []column {
		return []column{
			{name: name + "_id", text: func(r *explore.ExportRow) (string, bool) {
				if r.Identity && d == explore.ByKey {
					return controlplane.KindIdentity.Format(controlplane.ID(r.Values[i])), true
				}
				return kind.Format(controlplane.ID(r.Values[i])), r.Values[i] != 0
			}},
			{name: name, text: func(r *explore.ExportRow) (string, bool) { return r.Names[i], r.Names[i] != "" }},
		}
	}
	switch d {
	case explore.ByAccount:
		return id("account", controlplane.KindAccount)
	case explore.ByKey:
		return id("key", controlplane.KindKey)
	case explore.ByEndpoint:
		return id("endpoint", controlplane.KindEndpoint)
	case explore.ByTier:
		return id("tier", controlplane.KindTier)
	case explore.ByStatus:
		return []column{{name: "status", count: func(r *explore.ExportRow) int64 { return r.Values[i] }}}
	default:
		return []column{{name: "decision", text: func(r *explore.ExportRow) (string, bool) { return decisionName(wire.Decision(r.Values[i])), true }}}
	}
}

func namesOf[T any](values map[string]T) string {
	return strings.Join(slices.Sorted(maps.Keys(values)), ", ")
}
