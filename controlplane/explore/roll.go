package explore

import (
	"cmp"
	"errors"
	"slices"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/pack"
	"github.com/weirhq/weir/controlplane/usage"
	"github.com/weirhq/weir/plugin/wire"
)

// figureCount is how many figures a row has: those of [controlplane.Totals], in its order.
const figureCount = 13

// RowFigures are the figures of a row.
type RowFigures [figureCount]int64

// Row is sums of usage as they are packed: by dimension in the order of
// [Dimensions], those that a cube does not have being 0.
type Row struct {
	Values  [len(Dimensions)]int64
	Figures RowFigures
	Latency []byte // as the rollups store it, of allowed requests
}

// errSum is what sums fail with that no column holds.
var errSum = errors.New("a sum of usage is above the largest number there is")

// RollupRow returns a row of a rollup: its requests are of one decision.
func RollupRow(values [len(Dimensions)]int64, requests, shadowed, late, cost, bytesIn, bytesOut, durationUS int64, latency []byte) Row {
	t := controlplane.Totals{Requests: requests, Shadowed: shadowed, Late: late, Cost: cost, BytesIn: bytesIn, BytesOut: bytesOut}
	switch d := wire.Decision(values[ByDecision]); d {
	case wire.Allowed:
		t.Allowed, t.AllowedDurationUS = requests, durationUS
		if values[ByStatus] >= 500 {
			t.Errors = requests
		}
	case wire.Throttled:
		t.Throttled = requests
	case Corrected:
		t.Corrected = requests
	case Imported:
		t.Imported = requests
	default:
		t.Refused = requests
	}
	if values[ByDecision] != int64(wire.Allowed) {
		latency = nil
	}
	return Row{Values: values, Figures: figuresOf(&t), Latency: latency}
}

func figuresOf(t *controlplane.Totals) RowFigures {
	return RowFigures{
		t.Requests, t.Allowed, t.Throttled, t.Refused, t.Corrected, t.Imported, t.Errors,
		t.Shadowed, t.Late, t.Cost, t.BytesIn, t.BytesOut, t.AllowedDurationUS,
	}
}

func (f *RowFigures) totals() controlplane.Totals {
	return controlplane.Totals{
		Requests: f[0], Allowed: f[1], Throttled: f[2], Refused: f[3], Corrected: f[4], Imported: f[5], Errors: f[6],
		Shadowed: f[7], Late: f[8], Cost: f[9], BytesIn: f[10], BytesOut: f[11], AllowedDurationUS: f[12],
	}
}

// figure returns the place of a measure among the figures.
func (m Measure) figure() int {
	return [...]int{Requests: 0, Allowed: 1, Throttled: 2, Shadowed: 7, Errors: 6, Cost: 9, BytesIn: 10, BytesOut: 11}[m]
}

// plus adds up, and says whether there is such a number.
func plus(a, b int64) (sum int64, ok bool) {
	sum = a + b
	return sum, (a^sum)&(b^sum) >= 0
}

// Roller sums rows up over a cube's dimensions.
type Roller struct {
	cube   Cube
	rows   []Row
	joined []bool // the row's latency is joined from several
	at     map[[len(Dimensions)]int64]int32
}

// NewRoller returns one without rows.
func NewRoller(c Cube) *Roller {
	return &Roller{cube: c, at: map[[len(Dimensions)]int64]int32{}}
}

// longLatency is when joined latencies are added up, so that they stay short.
const longLatency = 4096

// Add adds a row, whose latency it may keep. It fails when a sum is out of range.
func (r *Roller) Add(row *Row) error {
	var values [len(Dimensions)]int64
	for _, d := range dimensionsOf[r.cube] {
		values[d] = row.Values[d]
	}
	i, ok := r.at[values]
	if !ok {
		r.at[values] = int32(len(r.rows))
		r.rows = append(r.rows, Row{Values: values, Figures: row.Figures, Latency: row.Latency})
		r.joined = append(r.joined, false)
		return nil
	}
	to := &r.rows[i]
	for f, n := range row.Figures {
		if to.Figures[f], ok = plus(to.Figures[f], n); !ok {
			return errSum
		}
	}
	if len(row.Latency) == 0 {
		return nil
	}
	if !r.joined[i] {
		to.Latency, r.joined[i] = slices.Clone(to.Latency), true
	}
	if to.Latency = append(to.Latency, row.Latency...); len(to.Latency) < longLatency {
		return nil
	}
	return to.tidy()
}

// Len returns how many rows there are.
func (r *Roller) Len() int { return len(r.rows) }

// Rows returns the sums, with neighbours that are much alike.
func (r *Roller) Rows() ([]Row, error) {
	for i := range r.rows {
		if err := r.rows[i].tidy(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(r.rows, func(a, b Row) int { return compareRows(&a, &b, r.cube) })
	r.at = nil
	return r.rows, nil
}

// tidy adds up what a latency is joined from.
func (r *Row) tidy() error {
	if len(r.Latency) == 0 {
		return nil
	}
	h, err := usage.ReadLatency(r.Latency)
	r.Latency = usage.AppendLatency(nil, h)
	return err
}

// compareRows orders rows by what makes packs small: neighbours alike.
func compareRows(a, b *Row, c Cube) int {
	for _, d := range dimensionsOf[c] {
		if order := cmp.Compare(a.Values[d], b.Values[d]); order != 0 {
			return order
		}
	}
	return 0
}

// Pack packs rows: their dimensions and figures, and their latencies if wanted.
func Pack(rows []Row, latencies bool) (sums, latency []byte) {
	columns := make([][]int64, len(Dimensions)+figureCount)
	for c := range columns {
		columns[c] = make([]int64, len(rows))
	}
	texts := make([][]byte, len(rows))
	for i := range rows {
		for d, v := range rows[i].Values {
			columns[d][i] = v
		}
		for f, n := range rows[i].Figures {
			columns[len(Dimensions)+f][i] = n
		}
		texts[i] = rows[i].Latency
	}
	sums, latency = pack.Append(nil, columns), []byte{}
	if latencies {
		latency = pack.AppendStrings(latency, texts)
	}
	return sums, latency
}
