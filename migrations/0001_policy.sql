-- +goose Up

-- One row: the version of the policy as a whole. Every change of policy raises
-- it in its own transaction; the row lock makes the order of versions the order
-- of commits.
create table policy (
    only_row boolean primary key default true check (only_row),
    version  bigint not null
);
insert into policy (version) values ((extract(epoch from clock_timestamp()) * 1000)::bigint);

create table endpoint_groups (
    id         bigint generated always as identity primary key,
    name       text not null,
    created_at timestamptz not null default now(),
    constraint endpoint_groups_name_key unique (name)
);

create table endpoints (
    id         bigint generated always as identity primary key,
    method     text not null,
    template   text not null,
    route      text not null, -- the template without its parameters' names
    cost       integer not null check (cost between 1 and 1000000),
    group_id   bigint constraint endpoints_group_fkey references endpoint_groups on delete set null,
    created_at timestamptz not null default now(),
    constraint endpoints_route_key unique (method, route)
);
create index endpoints_group_idx on endpoints (group_id);

-- Custom meters: what upstreams declare of their responses in a header field.
create table meters (
    id          bigint generated always as identity primary key,
    name        text not null check (char_length(name) between 1 and 64),
    unit        text not null check (char_length(unit) between 1 and 32),
    header      text not null check (octet_length(header) between 1 and 64),
    endpoint_id bigint constraint meters_endpoint_fkey references endpoints on delete cascade, -- null: all
    hidden      boolean not null default false,
    created_at  timestamptz not null default now(),
    constraint meters_name_key unique (name)
);
create index meters_endpoint_idx on meters (endpoint_id);

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
    subject        text not null check (subject in ('account', 'key', 'address')),
    selector       text not null check (selector in ('all', 'endpoint', 'group', 'reads', 'writes')),
    endpoint_id    bigint constraint limits_endpoint_fkey references endpoints,
    group_id       bigint constraint limits_group_fkey references endpoint_groups,
    measure        text not null check (measure in ('requests', 'bytes', 'cost')),
    kind           text not null check (kind in ('rate', 'window', 'quota')),
    amount         bigint not null check (amount between 1 and 1000000000000),
    period         text not null check (period in ('second', 'minute', 'hour', 'day', 'month', 'billing')),
    burst          bigint check (burst between 1 and 1000000000000),
    mode           text not null check (mode in ('enforce', 'soft', 'shadow')),
    grace_percent  integer check (grace_percent between 1 and 1000), -- null: never
    grace_seconds  integer check (grace_seconds between 1 and 2592000), -- null: never
    fail_open      boolean not null,
    refund_errors  boolean not null,
    -- The adaptive rule; a null floor is none.
    error_percent  integer check (error_percent between 1 and 100),
    slow_ms        integer check (slow_ms between 1 and 600000),
    slow_percent   integer check (slow_percent between 1 and 100),
    floor_percent  integer check (floor_percent between 1 and 99),
    check ((endpoint_id is not null) = (selector = 'endpoint')),
    check ((group_id is not null) = (selector = 'group')),
    check ((burst is not null) = (kind = 'rate')),
    check (case kind when 'quota' then period in ('hour', 'day', 'month', 'billing')
                     else period in ('second', 'minute', 'hour', 'day') end),
    check (mode = 'soft' or (grace_percent is null and grace_seconds is null)),
    check (subject <> 'address' or kind <> 'quota'),
    -- Deferred, so that two limits of a tier may swap their names.
    constraint limits_name_key unique (tier_id, name) deferrable initially deferred
);
create index limits_endpoint_idx on limits (endpoint_id);
create index limits_group_idx on limits (group_id);

-- The tier of accounts without one, and of callers without an account.
alter table policy
    add column default_tier_id   bigint constraint policy_default_tier_fkey references tiers,
    add column anonymous_tier_id bigint constraint policy_anonymous_tier_fkey references tiers;
with made as (
    insert into tiers (name) values ('Default') returning id
), limited as (
    insert into limits (tier_id, position, name, subject, selector, measure, kind, amount, period, burst, mode, fail_open, refund_errors)
    select id, 0, 'per-minute', 'account', 'all', 'requests', 'rate', 100, 'minute', 100, 'enforce', true, false from made
)
update policy set default_tier_id = (select id from made);
alter table policy alter column default_tier_id set not null;

create table accounts (
    id          bigint generated always as identity primary key,
    name        text not null,
    tier_id     bigint constraint accounts_tier_fkey references tiers, -- null: the default one
    suspended   boolean not null default false,
    time_zone   text not null default 'UTC', -- IANA name
    billing_day integer not null default 1 check (billing_day between 1 and 31),
    epoch       integer not null default 0, -- raised to reset all its counters
    created_at  timestamptz not null default now(),
    constraint accounts_name_key unique (name)
);
create index accounts_tier_idx on accounts (tier_id);

create table keys (
    id         bigint generated always as identity primary key,
    account_id bigint not null constraint keys_account_fkey references accounts,
    name       text not null,
    prefix     text not null,
    digest     bytea not null check (octet_length(digest) = 32), -- SHA-256 of the secret
    suspended  boolean not null default false,
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    revoked_at timestamptz,
    constraint keys_digest_key unique (digest)
);
create index keys_account_idx on keys (account_id);

-- Names other than keys that stand for an account. The filter and the usage
-- know both as keys, so they take their ids from one sequence.
create table identities (
    id         bigint primary key default nextval('keys_id_seq'),
    account_id bigint not null constraint identities_account_fkey references accounts,
    kind       text not null check (kind in ('jwt', 'certificate')),
    value      text not null,
    created_at timestamptz not null default now(),
    constraint identities_value_key unique (kind, value)
);
create index identities_account_idx on identities (account_id);

-- What an account has instead of a limit of its tier. An override whose time is
-- up counts until `ended` is set, which raises the policy's version: so the
-- policy never changes without a new version.
create table overrides (
    id         bigint generated always as identity primary key,
    account_id bigint not null references accounts,
    limit_id   bigint not null references limits on delete cascade,
    amount     bigint not null check (amount between 1 and 1000000000000),
    burst      bigint check (burst between 1 and 1000000000000), -- null: the limit's
    mode       text check (mode in ('enforce', 'soft', 'shadow')), -- null: the limit's
    until      timestamptz,
    ended      boolean not null default false,
    note       text not null,
    created_at timestamptz not null default now(),
    constraint overrides_limit_key unique (account_id, limit_id)
);
create index overrides_limit_idx on overrides (limit_id);
create index overrides_until_idx on overrides (until) where not ended;

-- +goose Down
drop table overrides, identities, keys, accounts;
alter table policy drop column default_tier_id, drop column anonymous_tier_id;
drop table limits, tiers, meters, endpoints, endpoint_groups, policy;
