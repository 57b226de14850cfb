-- +goose Up

-- Counts the edits of the retention: the same number in each of its rows.
alter table retention add column revision integer not null default 1;

-- +goose Down
alter table retention drop column revision;
