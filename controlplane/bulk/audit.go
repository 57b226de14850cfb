package bulk

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

// headHeader is where the audit log ends.
const headHeader = "Weir-Audit-Head"

func (b *Bulk) handleAudit(mux *http.ServeMux) {
	for ending, contentType := range audit.Formats() {
		mux.HandleFunc("GET /api/v1/audit."+ending, permitted("GET /api/v1/audit", func(w http.ResponseWriter, r *http.Request) {
			b.atOnce(b.exports, w, func() { b.exportAudit(w, r, ending, contentType) })
		}))
	}
}

// exportAudit answers with records of the audit log.
func (b *Bulk) exportAudit(w http.ResponseWriter, r *http.Request, ending, contentType string) {
	query, err := queryOf(r)
	var f audit.Filter
	var part audit.Part
	if err == nil {
		f, part, err = auditFilterOf(query)
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
	var to audit.Writer
	total := 0
	err = b.db.ExportAudit(r.Context(), f, part, func(head audit.Anchor) error {
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Content-Disposition", `attachment; filename="audit-`+time.Now().UTC().Format("20060102T1504")+"."+ending+`"`)
		h.Set("Trailer", rowsTrailer)
		h.Set(headHeader, head.String())
		to, err = audit.NewWriter(out, ending)
		return err
	}, func(records []audit.Record) error {
		if err := control.SetWriteDeadline(time.Now().Add(stallWithin)); err != nil {
			return err
		}
		total += len(records)
		return to.Write(records)
	})
	if broken := new(audit.BreakError); to == nil && errors.As(err, &broken) {
		err = controlplane.Invalid("after", "%v", broken)
	}
	if err == nil {
		err = out.end()
	}
	b.endExport(w, r, to != nil && out.sends, total, err)
}

var auditParams = map[string]bool{
	"actor": true, "actorKind": true, "action": true, "object": true, "account": true, "request": true, "from": true, "to": true, "text": true,
	"after": true,
}

// auditFilterOf reads what to export of the audit log.
func auditFilterOf(query url.Values) (f audit.Filter, part audit.Part, err error) {
	p := params{Values: query}
	if p.Has("after") {
		if part.After, err = audit.ParseAnchor("after", p.Get("after")); err != nil {
			p.errs = append(p.errs, err)
		}
	}
	if p.Has("actor") {
		if f.ActorKind, f.ActorID, err = audit.ParseActorID("actor", p.Get("actor")); err != nil {
			p.errs = append(p.errs, err)
		}
	}
	if kind := choice(&p, "actorKind", actorKinds); kind != nil {
		f.ActorKind = *kind
	}
	for _, action := range p.list("action") {
		f.Actions = append(f.Actions, audit.Action(action))
	}
	if p.Has("account") {
		if f.AccountID, err = controlplane.KindAccount.Parse("account", p.Get("account")); err != nil {
			p.errs = append(p.errs, err)
		}
	}
	f.ObjectID, f.RequestID, f.Text = p.Get("object"), p.Get("request"), p.Get("text")
	for name, at := range map[string]**time.Time{"from": &f.From, "to": &f.To} {
		if p.Has(name) {
			t := p.time(name, time.Time{})
			*at = &t
		}
	}
	for name := range query {
		if !auditParams[name] {
			p.fault(name, "there is no such parameter; leave it out")
		}
	}
	return f, part, errors.Join(append(p.errs, f.Validate())...)
}

var actorKinds = map[string]controlplane.ActorKind{
	"SYSTEM": controlplane.ActorSystem, "MEMBER": controlplane.ActorMember, "TOKEN": controlplane.ActorToken,
}
