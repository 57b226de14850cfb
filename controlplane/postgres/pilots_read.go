package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/controlplane"
)

// PilotsByTier returns the last pilot of each of the tiers that had one, in any order.
func (db *DB) PilotsByTier(ctx context.Context, tiers []controlplane.ID) ([]controlplane.Pilot, error) {
	pilots, err := listPilots(ctx, db.pool, `where p.id in (select max(id) from pilots where tier_id = any($1) group by tier_id)`, toInt64s(tiers))
	if err != nil {
		return nil, fmt.Errorf("read pilots of tiers: %w", err)
	}
	return pilots, nil
}

// PilotsByID returns the pilots among ids that exist, in any order.
func (db *DB) PilotsByID(ctx context.Context, ids []controlplane.ID) ([]controlplane.Pilot, error) {
	pilots, err := listPilots(ctx, db.pool, `where p.id = any($1) and exists (select from tiers t where t.id = p.tier_id)`, toInt64s(ids))
	if err != nil {
		return nil, fmt.Errorf("read pilots: %w", err)
	}
	return pilots, nil
}

func readPilot(ctx context.Context, q querier, id controlplane.ID) (controlplane.Pilot, error) {
	found, err := listPilots(ctx, q, `where p.id = $1`, id)
	switch {
	case err != nil:
		return controlplane.Pilot{}, err
	case len(found) == 0:
		return controlplane.Pilot{}, controlplane.NotFound("id", "pilot")
	}
	return found[0], nil
}

func listPilots(ctx context.Context, q querier, where string, args ...any) ([]controlplane.Pilot, error) {
	rows, err := q.Query(ctx, `
		select p.id, p.tier_id, p.version_id, p.name, p.state, p.percent,
			array(select account_id from pilot_accounts l where l.pilot_id = p.id order by account_id), coalesce(p.promoted_to, 0),
			p.started_at, p.starter_kind, p.starter_id, p.starter_name,
			p.ended_at, coalesce(p.ender_kind, ''), coalesce(p.ender_id, 0), coalesce(p.ender_name, '')
		from pilots p `+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (p controlplane.Pilot, err error) {
		var listed []int64
		err = r.Scan(&p.ID, &p.TierID, &p.VersionID, &p.Name, &p.State, &p.Percent, &listed, &p.PromotedTo,
			&p.StartedAt, &p.StartedBy.Kind, &p.StartedBy.ID, &p.StartedBy.Name, &p.EndedAt, &p.EndedBy.Kind, &p.EndedBy.ID, &p.EndedBy.Name)
		for _, id := range listed {
			p.Accounts = append(p.Accounts, controlplane.ID(id))
		}
		return p, err
	})
}

// PilotEffects returns what pilots did, in any order. They are of the accounts that are
// on the tier now: of a pilot that has ended, those that would be in it. Which ones are
// looked at depends on their ids only. Usage counts by whole minutes; where minutes or
// hours of the time are no longer kept, what began or ended with a part of an hour or
// day is left out.
func (db *DB) PilotEffects(ctx context.Context, ids []controlplane.ID) ([]controlplane.PilotEffect, error) {
	rows, err := list[struct {
		ID                           controlplane.ID
		Inside                       bool
		Accounts, Sampled, Throttled int
		Allowed, Refused             int64
	}](ctx, db.pool, pilotEffects, toInt64s(ids), controlplane.MaxPilotSample)
	if err != nil {
		return nil, fmt.Errorf("read what pilots did: %w", err)
	}
	effects := make(map[controlplane.ID]*controlplane.PilotEffect, len(ids))
	for _, id := range ids {
		effects[id] = &controlplane.PilotEffect{PilotID: id}
	}
	for _, r := range rows {
		group := &effects[r.ID].Outside
		if r.Inside {
			group = &effects[r.ID].Inside
		}
		*group = controlplane.PilotGroup{
			Accounts: r.Accounts, Sampled: r.Sampled, ThrottledAccounts: r.Throttled, AllowedRequests: r.Allowed, ThrottledRequests: r.Refused,
		}
	}
	all := make([]controlplane.PilotEffect, 0, len(ids))
	for _, e := range effects {
		all = append(all, *e)
	}
	return all, nil
}

// pilotEffects takes the accounts of the lowest places of those inside, and of the
// highest of those outside, so that a growing pilot changes who is looked at as late
// as can be. The time is cut into whole days, whole hours beside these, and minutes.
// `offset 0` keeps the planner from reading all usage of all accounts instead.
const pilotEffects = `
	with asked as (
		select p.*, date_trunc('minute', started_at + interval '1 minute' - interval '1 microsecond') as begins,
			coalesce(date_trunc('minute', ended_at), clock_timestamp() + interval '1 day') as ends
		from pilots p where p.id = any($1)
	), placed as materialized (
		select p.id, p.tier_id, a.id as account_id, account_place('pilot ' || p.id::text, a.id) as place,
			exists (select from pilot_accounts l where l.pilot_id = p.id and l.account_id = a.id) as listed, p.percent
		from asked p join accounts a on a.tier_id = p.tier_id
	), split as (
		select *, listed or place < percent * 100 as inside from placed
	), ranked as (
		select *, row_number() over (partition by id, inside order by case when inside then place else -place end, account_id) as rank,
			count(*) over (partition by id, inside) as accounts
		from split
	), sampled as materialized (
		select * from ranked where rank <= $2
	), hours as (
		select *, date_trunc('hour', begins + interval '1 hour' - interval '1 microsecond') as first_hour, date_trunc('hour', ends) as end_hour,
			date_trunc('day', begins + interval '1 day' - interval '1 microsecond', 'UTC') as first_day, date_trunc('day', ends, 'UTC') as end_day
		from asked
	), parts as (
		select id, 'minute' as level, begins as since, least(first_hour, ends) as until from hours
		union all select id, 'hour', first_hour, least(first_day, end_hour) from hours
		union all select id, 'day', first_day, end_day from hours
		union all select id, 'hour', greatest(end_day, first_day), end_hour from hours where end_day >= first_day
		union all select id, 'minute', greatest(end_hour, first_hour), ends from hours where end_hour >= first_hour
	), counted as (
		select s.id, s.account_id, u.requests, u.decision
		from sampled s join parts p on p.id = s.id and p.level = 'minute' and p.since < p.until
		cross join lateral (select requests, decision, tier_id from usage_minute u where u.account_id = s.account_id and u.bucket >= p.since and u.bucket < p.until offset 0) u
		where u.tier_id = s.tier_id
		union all
		select s.id, s.account_id, u.requests, u.decision
		from sampled s join parts p on p.id = s.id and p.level = 'hour' and p.since < p.until
		cross join lateral (select requests, decision, tier_id from usage_hour u where u.account_id = s.account_id and u.bucket >= p.since and u.bucket < p.until offset 0) u
		where u.tier_id = s.tier_id
		union all
		select s.id, s.account_id, u.requests, u.decision
		from sampled s join parts p on p.id = s.id and p.level = 'day' and p.since < p.until
		cross join lateral (select requests, decision, tier_id from usage_day u where u.account_id = s.account_id and u.bucket >= p.since and u.bucket < p.until offset 0) u
		where u.tier_id = s.tier_id
	), summed as (
		select id, account_id, sum(requests) filter (where decision = 1) as allowed, sum(requests) filter (where decision = 2) as throttled
		from counted group by id, account_id
	)
	select s.id, s.inside, max(s.accounts)::int, count(*)::int, (count(*) filter (where u.throttled > 0))::int,
		coalesce(sum(u.allowed), 0)::bigint, coalesce(sum(u.throttled), 0)::bigint
	from sampled s left join summed u on u.id = s.id and u.account_id = s.account_id
	group by s.id, s.inside`
