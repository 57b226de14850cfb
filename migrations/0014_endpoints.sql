-- +goose Up

-- The documents that endpoints were imported from: what the last one under each name
-- was. The text of none is kept.
create table endpoint_sources (
    id          bigint generated always as identity primary key,
    name        text not null check (char_length(name) between 1 and 64),
    title       text not null,
    version     text not null, -- the document's own
    openapi     text not null, -- version of the format
    base_path   text not null, -- before every path; may be empty
    digest      bytea not null check (octet_length(digest) = 32), -- SHA-256 of the text
    imported_at timestamptz not null default now(),
    constraint endpoint_sources_name_key unique (name)
);
alter table endpoints add column source_id bigint constraint endpoints_source_fkey references endpoint_sources; -- null: made by hand
create index endpoints_source_idx on endpoints (source_id);

-- +goose Down
alter table endpoints drop column source_id;
drop table endpoint_sources;
