-- +goose Up

-- What a tier was made of outlasts it, so that it can come back as it was: its limits,
-- its versions and its pilots.
alter table limits        drop constraint limits_tier_id_fkey;
alter table tier_versions drop constraint tier_versions_tier_id_fkey;
alter table pilots        drop constraint pilots_tier_id_fkey;

create or replace function limit_target_holds(version bigint) returns boolean language sql stable
return exists (select from tier_versions v join tiers t on t.id = v.tier_id where v.id = version and v.state = 'draft')
    or exists (select from cohorts c where c.version_id = version)
    or exists (select from pilots p join tiers t on t.id = p.tier_id where p.version_id = version and p.state = 'running');

-- Whom records of the audit log are about that name no account, or one of many: what a
-- publication does to 100,000 accounts is one record. The log is found by account with it;
-- the log itself says nothing of it.

-- The cohort that each account is in from a version of the policy on.
create table account_cohorts (
    account_id bigint not null,
    version    bigint not null,
    cohort_id  bigint not null, -- 0: it has no tier of its own
    primary key (account_id, version)
);
insert into account_cohorts (account_id, version, cohort_id) select id, 0, coalesce(cohort_id, 0) from accounts;

-- +goose StatementBegin
-- Its plan is made for the first change that a session makes, of one row, and kept.
create function note_account_cohort() returns trigger language plpgsql set enable_nestloop = off as $$
begin
    if tg_op = 'INSERT' then
        insert into account_cohorts (account_id, version, cohort_id) select id, (select version from policy), coalesce(cohort_id, 0) from after_rows;
    else
        insert into account_cohorts (account_id, version, cohort_id)
        select a.id, (select version from policy), coalesce(a.cohort_id, 0)
        from after_rows a join before_rows b on b.id = a.id where b.cohort_id is distinct from a.cohort_id
        on conflict (account_id, version) do update set cohort_id = excluded.cohort_id;
    end if;
    return null;
end $$;
-- +goose StatementEnd
create trigger note_cohort_of_new after insert on accounts
    referencing new table as after_rows for each statement execute function note_account_cohort();
create trigger note_cohort after update on accounts
    referencing old table as before_rows new table as after_rows for each statement execute function note_account_cohort();

-- A record is about those who were in a cohort before the version of the policy that it
-- made, or who left that with it; or about one account. Of a split, about those from one
-- place up to another.
create table audit_reach (
    seq        bigint not null, -- of the record
    version    bigint not null,
    account_id bigint not null, -- 0: those of the cohort
    cohort_id  bigint not null, -- 0: those who had no tier of their own
    leaving    boolean not null,
    split      text not null, -- empty: none, all of them
    from_place integer not null,
    to_place   integer not null -- exclusive
);
create index audit_reach_cohort_idx on audit_reach (cohort_id, version) where account_id = 0;
create index audit_reach_account_idx on audit_reach (account_id, seq) where account_id <> 0;

-- The records that are about an account among many.
-- +goose StatementBegin
create function records_reaching(account bigint) returns setof bigint language sql stable as $$
    select r.seq
    from (
        select cohort_id, version as since, lead(version) over (order by version) as until from account_cohorts where account_id = account
    ) s join audit_reach r on r.account_id = 0 and r.cohort_id = s.cohort_id and r.version > s.since and (s.until is null or r.version <= s.until)
    where (not r.leaving or r.version = s.until)
        and (r.split = '' or account_place(r.split, account) >= r.from_place and account_place(r.split, account) < r.to_place)
    union
    select seq from audit_reach where account_id = account and account_id <> 0
$$;
-- +goose StatementEnd
