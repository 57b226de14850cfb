-- +goose Up

-- What keys may be used for, each combination once. Its number is in what filters
-- hold, so it is never given to another one.
create table key_scopes (
    id           integer generated always as identity (maxvalue 65535) primary key,
    reads_only   boolean not null,
    endpoint_ids bigint[] not null, -- ascending; those that were deleted match nothing
    group_ids    bigint[] not null,
    constraint key_scopes_content_key unique (reads_only, endpoint_ids, group_ids)
);
create trigger note_change after insert or update or delete on key_scopes for each statement execute function note_catalog_change();

alter table keys
    add column environment text not null default 'live' check (environment in ('live', 'sandbox')),
    add column scope_id    integer references key_scopes, -- null: everything
    add column replaces_id bigint constraint keys_replaces_key unique references keys; -- of a rotation

-- +goose Down
alter table keys drop column environment, drop column scope_id, drop column replaces_id;
drop table key_scopes;
