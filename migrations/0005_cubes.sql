-- +goose Up

-- Which buckets of the rollups have been summed up over some of their dimensions:
-- what most questions can be answered from with far less reading. A bucket's sums
-- are there when this says so, and are then those of its rollup: whoever changes a
-- bucket's rollup takes it out of here in the same transaction. Minutes are summed
-- up some at once, under the beginning of the first.
create table cubes (
    level    smallint not null, -- of the rollup: 0 minute, 1 hour, 2 day, 3 month
    bucket   timestamptz not null,
    built_at timestamptz not null default now(),
    -- That there are so many sums that none were made: the rollup is read instead.
    skipped  boolean not null default false,
    primary key (level, bucket)
);

-- The sums, written and read by the control plane: of each bucket and cube all rows
-- in a string of bytes, and their latencies, which few questions are about, in
-- another. They are short as they are; packing them again would only cost time.
create table cube_packs (
    cube      smallint not null,
    level     smallint not null,
    bucket    timestamptz not null,
    sums      bytea not null,
    latencies bytea not null,
    primary key (cube, level, bucket)
);
alter table cube_packs alter column sums set storage external, alter column latencies set storage external;

-- The same sums by account and key, and these with endpoints, row by row, for
-- questions about some accounts among many.
create table usage_caller_hour (
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
    duration_us bigint not null, -- of allowed requests, as latency
    latency     bytea not null,
    primary key (bucket, account_id, key_id)
);
create index usage_caller_hour_account_idx on usage_caller_hour (account_id, bucket);
create index usage_caller_hour_key_idx on usage_caller_hour (key_id, bucket);
create table usage_caller_day (like usage_caller_hour including all);
create table usage_caller_month (like usage_caller_hour including all);

create table usage_pair_day (
    bucket      timestamptz not null,
    account_id  bigint not null,
    key_id      bigint not null,
    endpoint_id bigint not null,
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
    duration_us bigint not null, -- of allowed requests, as latency
    latency     bytea not null,
    primary key (bucket, account_id, key_id, endpoint_id)
);
create index usage_pair_day_account_idx on usage_pair_day (account_id, endpoint_id, bucket);
create table usage_pair_month (like usage_pair_day including all);

-- What was sent and what is in the rollups by the day, of the days that are in
-- `cubes`, in requests; and the sums of these.
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
create index cube_reconciled_differing_idx on cube_reconciled (day) where sent <> by_day;
create index cube_reconciled_account_idx on cube_reconciled (account_id, day);

create table cube_reconciled_day (
    day       date primary key,
    rows      bigint not null,
    differing bigint not null, -- of the rows
    sent      numeric not null,
    by_minute numeric not null,
    by_hour   numeric not null,
    by_day    numeric not null,
    corrected numeric not null,
    imported  numeric not null
);

-- +goose Down
drop table cube_reconciled_day, cube_reconciled, usage_pair_month, usage_pair_day, usage_caller_month, usage_caller_day, usage_caller_hour,
    cube_packs, cubes;
