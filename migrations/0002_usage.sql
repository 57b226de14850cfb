-- +goose Up

-- Which batches are in the rollups. Per source, every sequence up to
-- `committed` is; `batches` has those beyond it that came out of order. Nothing
-- expires, so a batch is counted once however late its copy comes. `lost` counts
-- the batches that had been committed and are not here, as after a failover to a
-- standby that lagged.
create table sources (
    source    uuid primary key,
    node      text not null,
    committed bigint not null default 0,
    lost      bigint not null default 0,
    first_at  timestamptz not null default now(),
    last_at   timestamptz not null default now()
);
create table batches (
    source   uuid not null references sources,
    sequence bigint not null,
    primary key (source, sequence)
);

-- Adds two sparse histograms. Each is a flat array of pairs, index then count,
-- sorted by index without repetition.
-- +goose StatementBegin
create function latency_merge(a bigint[], b bigint[]) returns bigint[]
    language plpgsql immutable strict parallel safe as $$
declare
    merged bigint[] := '{}';
    i integer := 1;
    j integer := 1;
    n integer := coalesce(array_length(a, 1), 0);
    m integer := coalesce(array_length(b, 1), 0);
begin
    if n = 0 then return b; end if;
    while i < n or j < m loop
        if j > m or (i < n and a[i] < b[j]) then
            merged := merged || a[i] || a[i + 1];
            i := i + 2;
        elsif i > n or b[j] < a[i] then
            merged := merged || b[j] || b[j + 1];
            j := j + 2;
        else
            merged := merged || a[i] || (a[i + 1] + b[j + 1]);
            i := i + 2;
            j := j + 2;
        end if;
    end loop;
    return merged;
end
$$;
-- +goose StatementEnd

create aggregate latency_sum(bigint[]) (
    sfunc = latency_merge,
    stype = bigint[],
    initcond = '{}'
);

-- Usage, once for each granularity. Zero in account_id, key_id, endpoint_id or
-- status stands for none. There are no foreign keys: usage outlives what it
-- names. Decisions: 1 allowed, 2 throttled, 3 unauthenticated, 4 forbidden,
-- 5 unready.
create table usage_minute (
    bucket      timestamptz not null, -- its beginning, in UTC
    account_id  bigint not null,
    key_id      bigint not null,
    endpoint_id bigint not null,
    status      smallint not null,
    decision    smallint not null,
    requests    bigint not null,
    cost        bigint not null,
    bytes_in    bigint not null,
    bytes_out   bigint not null,
    duration_us bigint not null,
    latency     bigint[] not null, -- see latency_merge
    primary key (bucket, account_id, key_id, endpoint_id, status, decision)
);
create index usage_minute_account_idx on usage_minute (account_id, bucket);

create table usage_hour (
    bucket      timestamptz not null, -- its beginning, in UTC
    account_id  bigint not null,
    key_id      bigint not null,
    endpoint_id bigint not null,
    status      smallint not null,
    decision    smallint not null,
    requests    bigint not null,
    cost        bigint not null,
    bytes_in    bigint not null,
    bytes_out   bigint not null,
    duration_us bigint not null,
    latency     bigint[] not null, -- see latency_merge
    primary key (bucket, account_id, key_id, endpoint_id, status, decision)
);
create index usage_hour_account_idx on usage_hour (account_id, bucket);

create table usage_day (
    bucket      timestamptz not null, -- its beginning, in UTC
    account_id  bigint not null,
    key_id      bigint not null,
    endpoint_id bigint not null,
    status      smallint not null,
    decision    smallint not null,
    requests    bigint not null,
    cost        bigint not null,
    bytes_in    bigint not null,
    bytes_out   bigint not null,
    duration_us bigint not null,
    latency     bigint[] not null, -- see latency_merge
    primary key (bucket, account_id, key_id, endpoint_id, status, decision)
);
create index usage_day_account_idx on usage_day (account_id, bucket);

create table usage_month (
    bucket      timestamptz not null, -- its beginning, in UTC
    account_id  bigint not null,
    key_id      bigint not null,
    endpoint_id bigint not null,
    status      smallint not null,
    decision    smallint not null,
    requests    bigint not null,
    cost        bigint not null,
    bytes_in    bigint not null,
    bytes_out   bigint not null,
    duration_us bigint not null,
    latency     bigint[] not null, -- see latency_merge
    primary key (bucket, account_id, key_id, endpoint_id, status, decision)
);
create index usage_month_account_idx on usage_month (account_id, bucket);

-- How full each bucket was when an Envoy last reported it.
create table levels (
    account_id  bigint not null,
    limit_id    bigint not null,
    key_id      bigint not null, -- of a limit that each key has to itself, else 0
    remaining   bigint not null,
    observed_at timestamptz not null,
    primary key (account_id, limit_id, key_id)
);

-- The worker threads that the edge has heard from.
create table workers (
    source         uuid primary key,
    node           text not null,
    snapshot       bigint not null,
    snapshot_since timestamptz not null default now(),
    last_seen_at   timestamptz not null default now()
);
create index workers_last_seen_idx on workers (last_seen_at);

-- +goose Down
drop table workers, levels, usage_month, usage_day, usage_hour, usage_minute, batches, sources;
drop aggregate latency_sum(bigint[]);
drop function latency_merge(bigint[], bigint[]);
