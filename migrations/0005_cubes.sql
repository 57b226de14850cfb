-- +goose Up

-- Sums of rollups over some of their dimensions, of buckets that have ended: what
-- most questions about all accounts can be answered from with far fewer rows. A
-- bucket's sums are there when `cubes` says so, and are then those of its rollup:
-- whoever changes a bucket's rollup takes it out of `cubes` in the same
-- transaction.
create table cubes (
    level    smallint not null, -- of the rollup: 1 hour, 2 day, 3 month
    bucket   timestamptz not null,
    built_at timestamptz not null default now(),
    primary key (level, bucket)
);

-- What was sent and what is in the rollups by the day, of the days that are in
-- `cubes`, in requests.
create table cube_reconciled (
    day        date not null,
    account_id bigint not null,
    sent       bigint not null,
    by_minute  bigint not null, -- in the rollup of minutes, without what follows
    by_hour    bigint not null,
    by_day     bigint not null,
    corrected  bigint not null,
    imported   bigint not null,
    primary key (day, account_id)
);

create table usage_total_hour (
    bucket      timestamptz not null,
    tier_id     bigint not null,
    status      smallint not null,
    decision    smallint not null,
    requests    bigint not null,
    shadowed    bigint not null,
    late        bigint not null,
    cost        bigint not null,
    bytes_in    bigint not null,
    bytes_out   bigint not null,
    duration_us bigint not null,
    latency     bytea not null,
    primary key (bucket, tier_id, status, decision)
);
create table usage_total_day (like usage_total_hour including all);
create table usage_total_month (like usage_total_hour including all);

create table usage_endpoint_hour (
    bucket      timestamptz not null,
    endpoint_id bigint not null,
    tier_id     bigint not null,
    status      smallint not null,
    decision    smallint not null,
    requests    bigint not null,
    shadowed    bigint not null,
    late        bigint not null,
    cost        bigint not null,
    bytes_in    bigint not null,
    bytes_out   bigint not null,
    duration_us bigint not null,
    latency     bytea not null,
    primary key (bucket, endpoint_id, tier_id, status, decision)
);
create table usage_endpoint_day (like usage_endpoint_hour including all);
create table usage_endpoint_month (like usage_endpoint_hour including all);

create table usage_caller_day (
    bucket      timestamptz not null,
    account_id  bigint not null,
    key_id      bigint not null,
    tier_id     bigint not null,
    status      smallint not null,
    decision    smallint not null,
    requests    bigint not null,
    shadowed    bigint not null,
    late        bigint not null,
    cost        bigint not null,
    bytes_in    bigint not null,
    bytes_out   bigint not null,
    duration_us bigint not null,
    latency     bytea not null,
    primary key (bucket, account_id, key_id, tier_id, status, decision)
);
create index usage_caller_day_account_idx on usage_caller_day (account_id, bucket);
create index usage_caller_day_key_idx on usage_caller_day (key_id, bucket);
create table usage_caller_month (like usage_caller_day including all);

-- Counts alone, which most questions about callers are about: far fewer rows and
-- bytes than the sums.
create table usage_caller_count_hour (
    bucket      timestamptz not null,
    account_id  bigint not null,
    key_id      bigint not null,
    requests    bigint not null,
    allowed     bigint not null, -- requests, as all up to errors
    throttled   bigint not null,
    refused     bigint not null,
    corrected   bigint not null,
    imported    bigint not null,
    errors      bigint not null,
    shadowed    bigint not null,
    late        bigint not null,
    cost        bigint not null,
    bytes_in    bigint not null,
    bytes_out   bigint not null,
    duration_us bigint not null,
    primary key (bucket, account_id, key_id)
);
create index usage_caller_count_hour_account_idx on usage_caller_count_hour (account_id, bucket);
create index usage_caller_count_hour_key_idx on usage_caller_count_hour (key_id, bucket);
create table usage_caller_count_day (like usage_caller_count_hour including all);
create table usage_caller_count_month (like usage_caller_count_hour including all);

create table usage_pair_count_day (
    bucket      timestamptz not null,
    endpoint_id bigint not null,
    account_id  bigint not null,
    key_id      bigint not null,
    requests    bigint not null,
    allowed     bigint not null, -- requests, as all up to errors
    throttled   bigint not null,
    refused     bigint not null,
    corrected   bigint not null,
    imported    bigint not null,
    errors      bigint not null,
    shadowed    bigint not null,
    late        bigint not null,
    cost        bigint not null,
    bytes_in    bigint not null,
    bytes_out   bigint not null,
    duration_us bigint not null,
    primary key (bucket, endpoint_id, account_id, key_id)
);
create index usage_pair_count_day_account_idx on usage_pair_count_day (account_id, bucket);
create index usage_pair_count_day_endpoint_idx on usage_pair_count_day (endpoint_id, bucket);
create table usage_pair_count_month (like usage_pair_count_day including all);

-- +goose Down
drop table usage_pair_count_month, usage_pair_count_day, usage_caller_count_month, usage_caller_count_day, usage_caller_count_hour,
    usage_caller_month, usage_caller_day, usage_endpoint_month, usage_endpoint_day, usage_endpoint_hour,
    usage_total_month, usage_total_day, usage_total_hour, cube_reconciled, cubes;
