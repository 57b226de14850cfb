-- +goose Up

-- Who keeps an object in files, by which weir apply --prune knows what it may delete.
-- What isn't here is nobody's.
create table managed (
    manager     text not null check (char_length(manager) between 1 and 64),
    group_id    bigint constraint managed_group_key unique references endpoint_groups on delete cascade,
    endpoint_id bigint constraint managed_endpoint_key unique references endpoints on delete cascade,
    meter_id    bigint constraint managed_meter_key unique references meters on delete cascade,
    tier_id     bigint constraint managed_tier_key unique references tiers on delete cascade,
    check (num_nonnulls(group_id, endpoint_id, meter_id, tier_id) = 1)
);

-- +goose Down
drop table managed;
