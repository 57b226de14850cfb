package bulk

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/explore"
	"github.com/weirhq/weir/controlplane/permit"
	"github.com/weirhq/weir/plugin/wire"
)

// rowsTrailer says how many rows an export had.
const rowsTrailer = "Weir-Rows"

// export answers with rows.
func (b *Bulk) export(w http.ResponseWriter, r *http.Request, ending string, f format) {
	query, err := queryOf(r)
	var e explore.Export
	if err == nil {
		e, err = exportOf(query, time.Now())
	}
	if err == nil {
		err = bind(&e, permit.Held(r.Context()).Account)
	}
	if err == nil {
		e.OwnZone, err = b.db.HaveZone(r.Context(), e.Filter.Accounts, e.Zone.String())
	}
	columns := columnsOf(e.GroupBy)
	if err == nil {
		columns, err = b.withMeters(r.Context(), columns, e.Meters)
	}
	out, haveErr := restOf(w, r)
	if err = errors.Join(err, haveErr); err != nil {
		b.refuse(w, r, "export", err)
		return
	}
	control := http.NewResponseController(w)
	// The server's time for reading a request would end a long export. Where it
	// can't be lifted, that is all that happens.
	_ = control.SetReadDeadline(time.Time{})
	var to sink
	total := 0
	err = b.db.Export(r.Context(), e, func() error {
		h := w.Header()
		h.Set("Content-Type", f.contentType)
		h.Set("Content-Disposition", `attachment; filename="`+fileName(e, ending)+`"`)
		h.Set("Trailer", rowsTrailer)
		to = f.open(out, columns, e.Zone)
		return to.begin()
	}, func(rows []explore.ExportRow) error {
		if err := control.SetWriteDeadline(time.Now().Add(stallWithin)); err != nil {
			return err
		}
		total += len(rows)
		return to.write(rows)
	})
	if err == nil {
		err = errors.Join(control.SetWriteDeadline(time.Now().Add(stallWithin)), to.end(), out.end())
	}
	b.endExport(w, r, to != nil && out.sends, total, err)
}

// endExport ends an export, which may have begun to answer.
func (b *Bulk) endExport(w http.ResponseWriter, r *http.Request, begun bool, rows int, err error) {
	switch {
	case err == nil:
		w.Header().Set(rowsTrailer, strconv.Itoa(rows))
	case errors.Is(err, errOther):
		problem(w, http.StatusPreconditionFailed, "The export is another one by now", "It does not begin any more with what "+haveHeader+" names; ask for all of it.", nil)
	case !begun:
		b.refuse(w, r, "export", err)
	default:
		if r.Context().Err() == nil {
			b.log.WarnContext(r.Context(), "an export was cut off", "rows", rows, "err", err)
		}
		panic(http.ErrAbortHandler) // the only way to say that this is not all
	}
}

// bind narrows an export to the one account that whoever asks sees, 0 for all.
func bind(e *explore.Export, account controlplane.ID) error {
	if account == 0 {
		return nil
	}
	for _, asked := range e.Filter.Accounts {
		if asked != account {
			return controlplane.NotFound("account", "account")
		}
	}
	e.Filter.Accounts = []controlplane.ID{account}
	return nil
}

func fileName(e explore.Export, ending string) string {
	const layout = "20060102T1504"
	return "usage-" + e.From.UTC().Format(layout) + "-" + e.To.UTC().Format(layout) + "." + ending
}

var (
	granularities = map[string]controlplane.Granularity{
		"MINUTE": controlplane.ByMinute, "HOUR": controlplane.ByHour, "DAY": controlplane.ByDay, "MONTH": controlplane.ByMonth,
	}
	dimensions = map[string]explore.Dimension{
		"ACCOUNT": explore.ByAccount, "KEY": explore.ByKey, "ENDPOINT": explore.ByEndpoint,
		"STATUS": explore.ByStatus, "DECISION": explore.ByDecision, "TIER": explore.ByTier,
	}
	decisions = map[string]wire.Decision{
		"ALLOWED": wire.Allowed, "THROTTLED": wire.Throttled, "UNAUTHENTICATED": wire.Unauthenticated,
		"FORBIDDEN": wire.Forbidden, "UNREADY": wire.Unready, "CORRECTED": explore.Corrected, "IMPORTED": explore.Imported,
	}
)

func decisionName(d wire.Decision) string {
	for name, value := range decisions {
		if value == d {
			return name
		}
	}
	return strconv.Itoa(int(d))
}

// exportOf reads what to export.
func exportOf(query url.Values, now time.Time) (e explore.Export, err error) {
	p := params{Values: query}
	e.From, e.To = p.time("from", time.Time{}), p.time("to", now)
	e.Granularity = choice(&p, "granularity", granularities)
	zone := "UTC"
	if query.Has("timeZone") {
		zone = query.Get("timeZone")
	}
	if e.Zone, err = explore.Zone("timeZone", zone); err != nil {
		p.errs = append(p.errs, err)
	}
	e.GroupBy = choices(&p, "groupBy", dimensions)
	e.Meters = p.ids("meters", controlplane.KindMeter)
	f := &e.Filter
	f.Accounts = p.ids("account", controlplane.KindAccount)
	f.Keys = p.ids("key", controlplane.KindKey, controlplane.KindIdentity)
	f.Endpoints = p.ids("endpoint", controlplane.KindEndpoint)
	f.Tiers = p.ids("tier", controlplane.KindTier)
	f.Decisions = choices(&p, "decision", decisions)
	for _, text := range p.list("status") {
		status, err := strconv.Atoi(text)
		if err != nil || status != 0 && (status < 100 || status > 599) {
			p.fault("status", "give HTTP status codes, 100 to 599, or 0 for none")
			break
		}
		f.Statuses = append(f.Statuses, status)
	}
	for name := range query {
		if !known[name] {
			p.fault(name, "there is no such parameter; leave it out")
		}
	}
	return e, errors.Join(p.errs...)
}

var known = map[string]bool{
	"from": true, "to": true, "granularity": true, "timeZone": true, "groupBy": true, "meters": true,
	"account": true, "key": true, "endpoint": true, "tier": true, "status": true, "decision": true,
}

// queryOf reads a query string whole: what can't be read is not left out, as it may be
// what narrows an export.
func queryOf(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, controlplane.Invalid("", "the query string: %v; percent-encode its names and values", err)
	}
	return query, nil
}

// params reads parameters and gathers the mistakes in them.
type params struct {
	url.Values
	errs []error
}

func (p *params) fault(field, message string) {
	p.errs = append(p.errs, controlplane.Invalid(field, "%s", message))
}

func (p *params) time(name string, otherwise time.Time) time.Time {
	text := p.Get(name)
	if text == "" && !otherwise.IsZero() {
		return otherwise
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		p.fault(name, "give an RFC 3339 time such as 2026-01-31T12:00:00Z, with + written as %2B")
	}
	return t
}

// list splits a parameter's values at commas.
func (p *params) list(name string) []string {
	var list []string
	for _, text := range p.Values[name] {
		if text != "" {
			list = append(list, strings.Split(text, ",")...)
		}
	}
	return list
}

func (p *params) ids(name string, kinds ...controlplane.Kind) []controlplane.ID {
	ids, err := controlplane.ParseIDs(name, p.list(name), kinds...)
	if err != nil {
		p.errs = append(p.errs, err)
	}
	return ids
}

func choices[T any](p *params, name string, values map[string]T) []T {
	var chosen []T
	for _, text := range p.list(name) {
		v, ok := values[text]
		if !ok {
			p.fault(name, "give "+namesOf(values)+", with commas between several")
			return nil
		}
		chosen = append(chosen, v)
	}
	return chosen
}

func choice[T any](p *params, name string, values map[string]T) *T {
	if !p.Has(name) {
		return nil
	}
	v, ok := values[p.Get(name)]
	if !ok {
		p.fault(name, "give one of "+namesOf(values)+", or leave it out")
		return nil
	}
	return &v
}
