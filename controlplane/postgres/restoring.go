package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
	"github.com/weirhq/weir/controlplane/audit"
)

type restoringKey struct{}

// Restoring returns a context in which what is created comes back: the object of a
// record, which is of a deletion, gets its id again, and what else the record says of
// it that nobody who creates one can choose. What can't come back whole is refused with
// CONFLICT; with force it comes back without what the conflict names, where it can.
func Restoring(ctx context.Context, deletion audit.Record, force bool) context.Context {
	return context.WithValue(ctx, restoringKey{}, restored{record: deletion, force: force})
}

// restored is what comes back. The zero value is something new.
type restored struct {
	id     controlplane.ID
	record audit.Record
	force  bool
	was    struct {
		Revision                     int
		SourceID, VersionID, Manager string
		Introductory                 bool
		EndpointIDs, MeterIDs        []string
		LastMove                     *lastMove
	}
}

// restoredOf returns what of a kind comes back in a context.
func restoredOf(ctx context.Context, kind audit.ObjectKind) (r restored, err error) {
	r, ok := ctx.Value(restoringKey{}).(restored)
	if !ok || r.record.Object.Kind != kind {
		return restored{}, nil
	}
	if r.id, err = readers[kind].kind.Parse("id", r.record.Object.ID); err != nil {
		return r, err
	}
	return r, json.Unmarshal(r.record.Before, &r.was)
}

// revision is that of what is made: one that nobody has seen of it.
func (r *restored) revision() int { return r.was.Revision + 1 }

// refuse refuses what can't come back whole. A nil error says that it comes back without
// what is missing.
func (r *restored) refuse(missing []string) error {
	if r.force || len(missing) == 0 {
		return nil
	}
	return controlplane.Conflict("seq", "not all of it would come back: %s; put that right first, or revert it all the same with force", strings.Join(missing, ", and "))
}

// manage notes who keeps an object in files that was just made, if anybody does: whoever
// kept it before, when it comes back, or else whom the context names.
func (r *restored) manage(ctx context.Context, tx pgx.Tx, image audit.Image, kind controlplane.Kind, id controlplane.ID) error {
	manager := r.was.Manager
	if r.id == 0 {
		manager, _ = ctx.Value(managedByKey{}).(string)
	}
	if manager == "" {
		return nil
	}
	image.State["manager"] = manager
	_, err := tx.Exec(ctx, `insert into managed (manager, `+managedTables[kind].column+`) values ($1, $2)`, manager, id)
	return err
}

// noteManager adds who keeps an object in files to what the log has of it.
func noteManager(ctx context.Context, tx pgx.Tx, image audit.Image, kind controlplane.Kind, id controlplane.ID) error {
	found, err := list[struct{ Manager string }](ctx, tx, `select manager from managed where `+managedTables[kind].column+` = $1`, id)
	for _, f := range found {
		image.State["manager"] = f.Manager
	}
	return err
}

// gone returns what was deleted of one kind, as the log knows it: its id and its name.
func gone(ctx context.Context, tx pgx.Tx, kind controlplane.Kind, ids ...controlplane.ID) ([]string, error) {
	found, err := list[struct{ ID controlplane.ID }](ctx, tx, `select id from `+managedTables[kind].table+` where id = any($1)`, toInt64s(ids))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, id := range ids {
		if slices.Contains(found, struct{ ID controlplane.ID }{id}) {
			continue
		}
		var name string
		err := tx.QueryRow(ctx, `select coalesce((select object_name from audit_records where object_id = $1 and object_id <> '' order by seq desc limit 1), '')`,
			kind.Format(id)).Scan(&name)
		if err != nil {
			return nil, err
		}
		names = append(names, strings.TrimSpace(kind.Format(id)+" "+name))
	}
	return names, nil
}

// group returns the group that an endpoint comes back to.
func (r *restored) group(ctx context.Context, tx pgx.Tx, group controlplane.ID) (controlplane.ID, error) {
	if r.id == 0 || group == 0 {
		return group, nil
	}
	missing, err := gone(ctx, tx, controlplane.KindGroup, group)
	if err != nil || len(missing) == 0 {
		return group, err
	}
	return 0, r.refuse([]string{"its group " + missing[0] + " was deleted since"})
}

// meters brings the meters back that were deleted with an endpoint.
func (r *restored) meters(ctx context.Context, tx pgx.Tx, note *notes) error {
	if len(r.was.MeterIDs) == 0 {
		return nil
	}
	records, err := listRecords(ctx, tx, `
		select distinct on (object_id) `+auditColumns+` from audit_records
		where object_id = any($1) and action = $2 and seq < $3 order by object_id, seq desc`, r.was.MeterIDs, string(audit.DeleteMeter), r.record.Seq)
	if err != nil {
		return err
	}
	var taken []string
	for _, record := range records {
		var m controlplane.Meter
		if err := json.Unmarshal(record.Before, &struct {
			Name, Unit, Header *string
			Hidden             *bool
		}{&m.Name, &m.Unit, &m.Header, &m.Hidden}); err != nil {
			return err
		}
		id, err := controlplane.KindMeter.Parse("id", record.Object.ID)
		if err != nil {
			return err
		}
		var there, named bool
		if err := tx.QueryRow(ctx, `select exists (select from meters where id = $1), exists (select from meters where name = $2)`, id, m.Name).Scan(&there, &named); err != nil {
			return err
		}
		switch {
		case there:
			taken = append(taken, "its meter "+m.Name+" is there by now, for other endpoints")
			continue
		case named:
			taken = append(taken, "the name of its meter "+m.Name+" was taken since")
			continue
		}
		m.EndpointID = r.id
		if _, err := insertMeter(Restoring(ctx, record, r.force), tx, note, m); err != nil {
			return err
		}
	}
	return r.refuse(taken)
}

// endpoints puts the endpoints that were in a group back there.
func (r *restored) endpoints(ctx context.Context, tx pgx.Tx) ([]controlplane.ID, error) {
	ids := make([]controlplane.ID, len(r.was.EndpointIDs))
	for i, text := range r.was.EndpointIDs {
		var err error
		if ids[i], err = controlplane.KindEndpoint.Parse("id", text); err != nil {
			return nil, err
		}
	}
	missing, err := gone(ctx, tx, controlplane.KindEndpoint, ids...)
	for i, name := range missing {
		missing[i] = "its endpoint " + name + " was deleted since"
	}
	if err != nil {
		return nil, err
	}
	elsewhere, err := list[controlplane.Endpoint](ctx, tx, `select `+endpointColumns+` from endpoints where id = any($1) and group_id is not null order by id`, toInt64s(ids))
	for _, e := range elsewhere {
		missing = append(missing, fmt.Sprintf("its endpoint %s %s %s is in another group by now", controlplane.KindEndpoint.Format(e.ID), e.Method, e.Template))
	}
	if err != nil {
		return nil, err
	}
	if err := r.refuse(missing); err != nil {
		return nil, err
	}
	return listIDs(ctx, tx, `
		with back as (update endpoints set group_id = $1 where id = any($2) and group_id is null returning id) select id from back order by id`, r.id, toInt64s(ids))
}
