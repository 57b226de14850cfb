package explore

import (
	"sort"
	"time"

	"github.com/weirhq/weir/controlplane"
)

// HoursOfWeek is how many cells a heat map has.
const HoursOfWeek = 7 * 24

// MaxHeatHours is how many hours a heat map may be of: a year.
const MaxHeatHours = 366*24 + 1

// HeatCell is one hour of the week.
type HeatCell struct {
	Weekday     int // 1 is Monday
	Hour        int // 0 to 23, as the clock shows it
	Occurrences int
	Total       int64
}

// Mean is the total per occurrence; nil when there was none.
func (c HeatCell) Mean() *float64 {
	if c.Occurrences == 0 {
		return nil
	}
	mean := float64(c.Total) / float64(c.Occurrences)
	return &mean
}

// HeatMap is usage by hour of the week.
type HeatMap struct {
	controlplane.Range
	TimeZone string
	Measure  Measure
	Cells    []HeatCell // HoursOfWeek of them, from Monday at 0
	Total    int64      // the measure's sum
	zone     *time.Location
	hours    []time.Time
}

// NewHeatMap returns the plan of a heat map over a range and the map without
// usage: only how often each hour came.
func NewHeatMap(r controlplane.Range, zone *time.Location, measure Measure, kept Kept) (*HeatMap, Plan, error) {
	hour := controlplane.ByHour
	q := Question{From: r.From, To: r.To, Granularity: &hour, Zone: zone}
	r, err := widen(r, hour, zone)
	if err != nil {
		return nil, Plan{}, err
	}
	if r.To.Sub(r.From) > MaxHeatHours*time.Hour {
		return nil, Plan{}, controlplane.Invalid("input.from", "a heat map is of at most 366 days; begin later")
	}
	h := &HeatMap{Range: r, TimeZone: zone.String(), zone: zone, Measure: measure, Cells: make([]HeatCell, HoursOfWeek)}
	for i := range h.Cells {
		h.Cells[i].Weekday, h.Cells[i].Hour = 1+i/24, i%24
	}
	p := Plan{Range: r}
	for t := r.From; t.Before(r.To); {
		b := bucketAt(hour, zone, t)
		if p.Parts, err = coverAll(p.Parts, controlplane.Range{From: t, To: b.To}, q, kept); err != nil {
			return nil, Plan{}, err
		}
		h.hours = append(h.hours, t)
		h.cell(t).Occurrences++
		t = b.To
	}
	return h, p, nil
}

func (h *HeatMap) cell(hour time.Time) *HeatCell {
	local := hour.In(h.zone)
	return &h.Cells[(int(local.Weekday())+6)%7*24+local.Hour()]
}

// Add adds the measure of a bucket of the plan.
func (h *HeatMap) Add(bucket time.Time, n int64) {
	i := sort.Search(len(h.hours), func(i int) bool { return h.hours[i].After(bucket) }) - 1
	if i < 0 {
		return
	}
	h.cell(h.hours[i]).Total += n
	h.Total += n
}
