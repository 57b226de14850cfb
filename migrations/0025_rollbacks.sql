-- +goose Up

-- Which version of which tier each cohort is on from a version of the policy on. With
-- account_cohorts it tells which version an account was on at any time since, when the
-- cohort is gone, too: so a publication can be taken back. 0: since before that was noted.
create table cohort_versions (
    cohort_id  bigint not null,
    version    bigint not null, -- of the policy
    tier_id    bigint not null,
    version_id bigint not null,
    primary key (cohort_id, version)
);
create index cohort_versions_version_idx on cohort_versions (version_id);
insert into cohort_versions (cohort_id, version, tier_id, version_id) select id, 0, tier_id, version_id from cohorts;

-- +goose StatementBegin
create function note_cohort_version() returns trigger language plpgsql as $$
begin
    insert into cohort_versions (cohort_id, version, tier_id, version_id)
    values (new.id, (select version from policy), new.tier_id, new.version_id)
    on conflict (cohort_id, version) do update set version_id = excluded.version_id;
    return null;
end $$;
-- +goose StatementEnd
create trigger note_version after insert or update of version_id on cohorts for each row execute function note_cohort_version();
