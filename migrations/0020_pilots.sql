-- +goose Up

-- What a pilot tries is sealed like a version, and has no number.
alter table tier_versions
    drop constraint tier_versions_state_check,
    drop constraint tier_versions_check,
    add constraint tier_versions_state_check check (state in ('draft', 'pilot', 'published')),
    add constraint tier_versions_numbered_check check ((number is null) = (state <> 'published'));

-- Pilots of other limits on some of a tier's accounts. Which version an account is on
-- otherwise stays written where it is: a pilot lies over that, and when it ends nothing
-- has to be put back.
create table pilots (
    id         bigint generated always as identity primary key,
    tier_id    bigint not null references tiers on delete cascade,
    version_id bigint not null, -- what it tries
    name       text not null check (char_length(name) between 1 and 64),
    state      text not null check (state in ('running', 'ended', 'promoting', 'promoted')),
    -- Of the accounts of the tier, those of the lowest places are in it, and those that
    -- pilot_accounts lists. So a growing percentage only adds, and a shrinking one takes
    -- those out that came last.
    percent    integer not null check (percent between 0 and 100),
    -- While its accounts are written down on the version that it has become: to which
    -- cohort, from which.
    cohort_id    bigint,
    from_cohorts bigint[],
    promoted_to  bigint, -- that version
    started_at timestamptz not null default clock_timestamp(),
    -- Who did, as in audit_records.
    starter_kind text not null,
    starter_id   bigint not null,
    starter_name text not null,
    ended_at   timestamptz,
    ender_kind text,
    ender_id   bigint,
    ender_name text,
    check ((ended_at is null) = (state = 'running')),
    check ((cohort_id is not null and from_cohorts is not null) = (state = 'promoting')),
    constraint pilots_version_fkey foreign key (tier_id, version_id) references tier_versions (tier_id, id) on delete cascade,
    constraint pilots_promoted_fkey foreign key (tier_id, promoted_to) references tier_versions (tier_id, id) on delete cascade,
    constraint pilots_cohort_fkey foreign key (tier_id, cohort_id) references cohorts (tier_id, id) on delete cascade
);
create unique index pilots_open_key on pilots (tier_id) where state in ('running', 'promoting');
create index pilots_tier_idx on pilots (tier_id, id);
create index pilots_version_idx on pilots (version_id);

create table pilot_accounts (
    pilot_id   bigint not null references pilots on delete cascade,
    account_id bigint not null references accounts on delete cascade,
    primary key (pilot_id, account_id)
);

-- Which version of which tier each account is on; which one it would be on without a
-- pilot; and the pilot that runs with it. Accounts that have the tier as the default
-- are in none.
drop view account_versions;
create view account_versions as
select b.account_id, b.tier_id, coalesce(p.version_id, b.version_id) as version_id, b.version_id as base_version_id, p.running as pilot_id
from (
    select a.id as account_id, c.tier_id, coalesce(m.version_id, c.version_id) as version_id, a.cohort_id
    from accounts a
    join cohorts c on c.id = coalesce(a.cohort_id, (select h.id from policy join cohorts h on h.tier_id = policy.default_tier_id and h.head))
    left join (
        select m.*, c.version_id from tier_moves m join cohorts c on c.id = m.cohort_id
        where m.way = 'steps' and m.state in ('running', 'paused', 'stopping')
    ) m on a.cohort_id = any(m.from_cohorts) and m.tier_id = c.tier_id and account_place('move ' || m.id::text, a.id) < m.percent * 100
) b
left join (
    select p.id, p.tier_id, p.percent, p.from_cohorts, coalesce(c.version_id, p.version_id) as version_id, case p.state when 'running' then p.id end as running
    from pilots p left join cohorts c on c.id = p.cohort_id where p.state in ('running', 'promoting')
) p on p.tier_id = b.tier_id and b.cohort_id is not null and (p.from_cohorts is null or b.cohort_id = any(p.from_cohorts))
    and (account_place('pilot ' || p.id::text, b.account_id) < p.percent * 100
        or exists (select from pilot_accounts l where l.pilot_id = p.id and l.account_id = b.account_id));

create or replace function limit_target_holds(version bigint) returns boolean language sql stable
return exists (select from tier_versions v where v.id = version and v.state = 'draft')
    or exists (select from cohorts c where c.version_id = version)
    or exists (select from pilots p where p.version_id = version and p.state = 'running');

create trigger note_change after insert or update or delete on pilots for each statement execute function note_catalog_change();
create trigger note_change after insert or update or delete on pilot_accounts for each statement execute function note_catalog_change();
