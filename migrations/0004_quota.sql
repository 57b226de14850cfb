-- +goose Up

-- The Envoy processes that hold leases. One that is not heard of before
-- expires_at is closed by a sweep, and opened again when it is.
create table lease_processes (
    process    uuid primary key,
    node       text not null,
    expires_at timestamptz not null,
    closed     boolean not null default false
);
create index lease_processes_expires_idx on lease_processes (expires_at) where not closed;

-- Each quota of an account, or of one of its keys, in each period. A period is
-- told from others of the same quota by its epoch and start. There are no foreign keys to
-- the policy: what was consumed outlives what it names. `period`, `measure` and
-- `epoch` are those of the limit and the account at the start; another one
-- begins a period of its own.
create table quota_ledger (
    id           bigint generated always as identity primary key,
    account_id   bigint not null,
    key_id       bigint not null, -- 0: all keys of the account share it
    limit_id     bigint not null,
    epoch        integer not null,
    period       text not null,
    measure      text not null,
    period_start timestamptz not null,
    period_end   timestamptz not null,
    amount       bigint not null, -- the quota as it was last
    leasable     bigint not null, -- with the grace of a soft limit
    committed    bigint not null default 0, -- consumed, and what processes may still use
    consumed     bigint not null default 0, -- reported as used of what was leased, and written_off
    written_off  bigint not null default 0, -- leased to processes that went away
    overspent    bigint not null default 0, -- used beyond what was leased
    over_since   timestamptz, -- when consumed and overspent reached the amount
    check (period_start < period_end),
    check (written_off between 0 and consumed and consumed <= committed and overspent >= 0),
    constraint quota_ledger_key unique (account_id, key_id, limit_id, epoch, period_start)
);
create index quota_ledger_end_idx on quota_ledger (period_end);

-- The advances of processes. The sums of a ledger's leases stand in the ledger;
-- whoever changes a lease has locked its ledger first.
create table leases (
    ledger_id bigint not null references quota_ledger on delete cascade,
    process   uuid not null,
    born      bigint not null,
    revision  bigint not null,
    recalled  bigint not null, -- revision of a recall that the process has not shown; 0 none
    granted   bigint not null,
    held      bigint not null,
    used      bigint not null,
    refunded  bigint not null, -- of used
    before    bigint not null,
    lost      bigint not null,
    over      bigint not null,
    plan      bigint not null, -- of callers whom a claim put on it; 0 the account's own
    closed    boolean not null,
    recalled_at timestamptz, -- when the last recall began
    primary key (ledger_id, process)
);
create index leases_process_idx on leases (process) where not closed;
create index leases_recalled_idx on leases (process) where recalled > 0;

-- What limits said of requests that they did not simply let through, once for
-- each granularity. Zero in account_id stands for none. Verdicts: 1 denied,
-- 2 over, 3 shadowed, 4 failed open.
create table verdict_minute (
    bucket     timestamptz not null, -- its beginning, in UTC
    limit_id   bigint not null,
    account_id bigint not null,
    verdict    smallint not null,
    requests   bigint not null,
    amount     bigint not null, -- units of the limit's measure
    primary key (bucket, limit_id, account_id, verdict)
) partition by range (bucket); -- as usage is
create index verdict_minute_limit_idx on verdict_minute (limit_id, bucket);
create table verdict_hour (like verdict_minute including all) partition by range (bucket);
create table verdict_day (like verdict_minute including all) partition by range (bucket);
create table verdict_month (like verdict_minute including all) partition by range (bucket);

-- A sample of the requests that were refused, for a day.
create table denials (
    id             bigint generated always as identity primary key,
    at             timestamptz not null,
    request_id     text not null,
    account_id     bigint not null,
    key_id         bigint not null,
    endpoint_id    bigint not null,
    limit_id       bigint not null,
    decision       smallint not null,
    method         text not null,
    path           text not null,
    retry_after_ms bigint not null, -- 0: a retry would not have helped
    levels         bigint[] not null -- flat triples: limit, remaining, amount
);
create index denials_request_idx on denials (request_id);
create index denials_at_idx on denials (at desc, id desc);
create index denials_account_idx on denials (account_id, at desc, id desc);

-- +goose Down
drop table denials, verdict_month, verdict_day, verdict_hour, verdict_minute, leases, quota_ledger, lease_processes;
