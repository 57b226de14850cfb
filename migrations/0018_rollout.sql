-- +goose Up

-- When each version of the policy was made, and the first audit record of what it
-- changed; and since when each worker is known.
alter table policy_versions
    add column made_at timestamptz not null default clock_timestamp(),
    add column record  bigint; -- null: what came with a migration
alter table workers add column first_seen_at timestamptz not null default now();

-- When each worker first said that it runs a snapshot: of the last hour or so.
create table confirmations (
    source   uuid not null,
    snapshot bigint not null,
    at       timestamptz not null default now(),
    primary key (source, snapshot)
);
create index confirmations_at_idx on confirmations (at);

-- +goose Down
drop table confirmations;
alter table workers drop column first_seen_at;
alter table policy_versions drop column made_at, drop column record;
