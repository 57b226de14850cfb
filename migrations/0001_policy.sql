-- +goose Up

-- One row: the version of the policy as a whole. Every change of policy raises
-- it in its own transaction; the row lock makes the order of versions the order
-- of commits.
create table policy (
    only_row boolean primary key default true check (only_row),
    version  bigint not null
);
insert into policy (version) values ((extract(epoch from clock_timestamp()) * 1000)::bigint);

create table endpoints (
    id         bigint generated always as identity primary key,
    method     text not null,
    template   text not null,
    route      text not null, -- the template without its parameters' names
    cost       integer not null check (cost between 1 and 1000000),
    created_at timestamptz not null default now(),
    constraint endpoints_route_key unique (method, route)
);

create table tiers (
    id         bigint generated always as identity primary key,
    name       text not null,
    revision   integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint tiers_name_key unique (name)
);

create table limits (
    id             bigint generated always as identity primary key,
    tier_id        bigint not null references tiers on delete cascade,
    position       integer not null,
    name           text not null,
    endpoint_id    bigint constraint limits_endpoint_fkey references endpoints,
    amount         bigint not null check (amount between 1 and 1000000000000),
    period_seconds integer not null check (period_seconds in (1, 60, 3600, 86400)),
    burst          bigint not null check (burst between 1 and 1000000000000),
    -- Deferred, so that two limits of a tier may swap their names.
    constraint limits_name_key unique (tier_id, name) deferrable initially deferred
);
create index limits_endpoint_idx on limits (endpoint_id);

create table accounts (
    id         bigint generated always as identity primary key,
    name       text not null,
    tier_id    bigint not null constraint accounts_tier_fkey references tiers,
    suspended  boolean not null default false,
    created_at timestamptz not null default now(),
    constraint accounts_name_key unique (name)
);
create index accounts_tier_idx on accounts (tier_id);

create table keys (
    id         bigint generated always as identity primary key,
    account_id bigint not null constraint keys_account_fkey references accounts,
    name       text not null,
    prefix     text not null,
    digest     bytea not null check (octet_length(digest) = 32), -- SHA-256 of the secret
    created_at timestamptz not null default now(),
    revoked_at timestamptz,
    constraint keys_digest_key unique (digest)
);
create index keys_account_idx on keys (account_id);

-- +goose Down
drop table keys, accounts, limits, tiers, endpoints, policy;
