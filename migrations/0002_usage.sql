-- +goose Up

-- Which batches are in the rollups. Per source, every sequence up to `committed`
-- is, and those in `ahead`, which came out of order: never more than a few.
-- Nothing expires, so a batch is counted once however late its copy comes. When
-- a source has ended, its row is all that stays of it.
create table sources (
    source    uuid primary key,
    node      text not null,
    began_at  timestamptz not null,
    committed bigint not null default 0,
    ahead     bigint[] not null default '{}',
    -- Batches that had been committed and are not here, as after a failover to a
    -- standby that lagged; between when and when the last of them were.
    lost       bigint not null default 0,
    lost_from  timestamptz,
    lost_until timestamptz,
    -- Requests: in the rollups; counted by the source up to its highest batch in
    -- the rollups; and by the last word of it, heartbeats included.
    committed_requests bigint not null default 0,
    batch_counted      bigint not null default 0,
    counted            bigint not null default 0,
    frozen_at timestamptz, -- by the clock of its Envoy: when that highest batch was closed
    forgotten_requests bigint not null default 0, -- see sent_source
    last_at   timestamptz not null default now(),
    ended_at  timestamptz -- when it was found silent
) with (fillfactor = 50);
create index sources_live_idx on sources (source) where ended_at is null;

-- The worker threads that the edge has heard from. It has rows of its own beside
-- those of `sources`, so that the edge never waits for a commit.
create table workers (
    source         uuid primary key,
    node           text not null,
    began_at       timestamptz not null,
    snapshot       bigint not null,
    snapshot_since timestamptz not null default now(),
    counted        bigint not null, -- requests, since it began
    last_seen_at   timestamptz not null default now()
) with (fillfactor = 50);

-- Usage that was counted and is not in the rollups, as far as anybody knows.
create table unaccounted (
    id          bigint generated always as identity primary key,
    source      uuid not null,
    node        text not null,
    kind        text not null check (kind in ('GAP', 'SILENT')),
    counted_from  timestamptz not null, -- when it was counted: after this
    counted_until timestamptz, -- and before this; null: nobody knows
    at_least    bigint not null check (at_least >= 0), -- requests
    at_most     bigint check (at_most >= at_least), -- null: nobody knows
    batches     bigint not null, -- of a gap: how many are missing
    counted     bigint not null, -- by the source, as was known then
    found_at    timestamptz not null default now(),
    resolved_at timestamptz
);
create index unaccounted_open_idx on unaccounted (source) where resolved_at is null;

-- How long each level of the rollups is kept; null is for ever. From `kept_from`
-- on it has everything, and it gets nothing of the time before: that is in the
-- coarser levels only. kept_from never goes back.
create table retention (
    level     text primary key check (level in ('minute', 'hour', 'day', 'month')),
    kept_days integer check (kept_days between 1 and 36500),
    kept_from timestamptz not null default '-infinity'
);
insert into retention (level, kept_days) values ('minute', 30), ('hour', 365), ('day', null), ('month', null);

-- Usage, once for each level. Zero in account_id, key_id, endpoint_id, tier_id
-- or status stands for none. There are no foreign keys: usage outlives what it
-- names. Decisions: 1 allowed, 2 throttled, 3 unauthenticated, 4 forbidden,
-- 5 unready, all counted by Envoys; 6 corrected, 7 imported, see corrections.
--
-- The tables are partitioned by range of bucket: minutes by the day, hours by
-- the month, days by the year, months by ten years. Partitions are made on demand.
create table usage_minute (
    bucket      timestamptz not null, -- its beginning, in UTC
    account_id  bigint not null,
    key_id      bigint not null,
    endpoint_id bigint not null,
    tier_id     bigint not null,
    status      smallint not null,
    decision    smallint not null,
    requests    bigint not null,
    shadowed    bigint not null, -- of the requests, as late
    late        bigint not null, -- committed more than 10 minutes after the end of their minute
    cost        bigint not null,
    bytes_in    bigint not null,
    bytes_out   bigint not null,
    duration_us bigint not null,
    latency     bytea not null, -- written and read by the control plane; joined strings are sums
    primary key (bucket, account_id, key_id, endpoint_id, tier_id, status, decision)
) partition by range (bucket);
create index usage_minute_account_idx on usage_minute (account_id, bucket);

create table usage_hour (like usage_minute including all) partition by range (bucket);
create table usage_day (like usage_minute including all) partition by range (bucket);
create table usage_month (like usage_minute including all) partition by range (bucket);

-- What days and months in the time zones of accounts have more than those in UTC,
-- or less: usage of which the date is another one in the account's zone is added
-- to that date and taken from the date in UTC. The zone is the one that the
-- account had when the usage was committed. Accounts on UTC have nothing here.
create table usage_day_shift (like usage_minute including all) partition by range (bucket);
create table usage_month_shift (like usage_minute including all) partition by range (bucket);

-- Days and months in the time zones of accounts: the sum of the rows of a bucket,
-- which is the midnight, in UTC, that the date begins with.
create view usage_local_day as select * from usage_day union all select * from usage_day_shift;
create view usage_local_month as select * from usage_month union all select * from usage_month_shift;

-- What upstreams declared for custom meters, once for each level.
create table meter_minute (
    bucket      timestamptz not null, -- its beginning, in UTC
    account_id  bigint not null,
    key_id      bigint not null,
    endpoint_id bigint not null,
    tier_id     bigint not null,
    meter_id    bigint not null,
    requests    bigint not null, -- that declared an amount
    amount      numeric not null, -- units of the meter; without a bound
    corrected   numeric not null, -- units that corrections and imports add; see corrections
    primary key (bucket, account_id, key_id, endpoint_id, tier_id, meter_id)
) partition by range (bucket);
create index meter_minute_account_idx on meter_minute (account_id, bucket);
create table meter_hour (like meter_minute including all) partition by range (bucket);
create table meter_day (like meter_minute including all) partition by range (bucket);
create table meter_month (like meter_minute including all) partition by range (bucket);

-- What was sent, counted from the batches by another way than the rollups, to
-- compare them with: by account, for ever, and by source, until some time after it
-- has ended; sources.forgotten_requests says how much that was.
create table sent_usage (
    day        date not null, -- in UTC
    account_id bigint not null,
    requests   bigint not null,
    primary key (day, account_id)
) with (fillfactor = 50);
create table sent_source (
    day      date not null, -- in UTC
    source   uuid not null,
    requests bigint not null,
    primary key (day, source)
) with (fillfactor = 50);
create index sent_source_source_idx on sent_source (source);

-- Changes of past usage. Nothing here is ever changed or deleted.
create table corrections (
    id          bigint generated always as identity primary key,
    kind        text not null check (kind in ('VOID', 'ADJUSTMENT', 'IMPORT')),
    client_id   text not null, -- the caller's, so that it may ask again
    account_id  bigint not null,
    key_id      bigint not null,
    endpoint_id bigint not null,
    tier_id     bigint not null,
    minute      timestamptz not null,
    requests    bigint not null, -- what it adds; may be negative, as what follows
    cost        bigint not null,
    bytes_in    bigint not null,
    bytes_out   bigint not null,
    meter_id    bigint not null, -- 0: none
    amount      bigint not null, -- units of the meter
    voids       bigint references corrections, -- null: a void of usage takes back what Envoys sent
    reason      text not null,
    actor       text not null,
    created_at  timestamptz not null default now(),
    constraint corrections_client_key unique (kind, client_id),
    constraint corrections_voids_key unique (voids)
);
create index corrections_account_idx on corrections (account_id, minute);

-- How full each bucket was when an Envoy last reported it.
create table levels (
    account_id  bigint not null,
    limit_id    bigint not null,
    key_id      bigint not null, -- of a limit that each key has to itself, else 0
    remaining   bigint not null,
    observed_at timestamptz not null,
    primary key (account_id, limit_id, key_id)
);

-- +goose Down
drop view usage_local_month, usage_local_day;
drop table levels, corrections, sent_source, sent_usage, meter_month, meter_day, meter_hour, meter_minute,
    usage_month_shift, usage_day_shift, usage_month, usage_day, usage_hour, usage_minute,
    retention, unaccounted, workers, sources;
