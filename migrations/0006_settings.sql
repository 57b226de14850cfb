-- +goose Up

-- Counts the edits of the retention: the same number in each of its rows.
alter table retention add column revision integer not null default 1;

-- Every version of the policy of the last hour or so. The mark tells a version from
-- one with the same number in a database that was restored.
create table policy_versions (
    version bigint primary key,
    mark    uuid not null default gen_random_uuid()
);
insert into policy_versions (version) select version from policy;

-- Of which accounts each version changed something: the account itself, its keys,
-- identities or overrides. 0 stands for what isn't an account's: tiers, limits,
-- endpoints, groups and meters; -1 for more accounts than are worth listing.
create table policy_changes (
    version    bigint not null references policy_versions on delete cascade,
    account_id bigint not null,
    primary key (version, account_id)
);

-- +goose StatementBegin
create function note_catalog_change() returns trigger language plpgsql as $$
begin
    insert into policy_changes (version, account_id) select version, 0 from policy on conflict do nothing;
    return null;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create function note_account_changes() returns trigger language plpgsql as $$
begin
    insert into policy_changes (version, account_id)
    select distinct p.version, case when n.many then -1 when tg_table_name = 'accounts' then (to_jsonb(c) ->> 'id')::bigint else (to_jsonb(c) ->> 'account_id')::bigint end
    from policy p, (select count(*) > 1000 as many from changed) n, changed c
    on conflict do nothing;
    return null;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
do $$
declare
    noted text;
begin
    foreach noted in array array['tiers', 'limits', 'endpoints', 'endpoint_groups', 'meters'] loop
        execute format('create trigger note_change after insert or update or delete on %I for each statement execute function note_catalog_change()', noted);
    end loop;
    foreach noted in array array['accounts', 'keys', 'identities', 'overrides'] loop
        execute format('create trigger note_insert after insert on %I referencing new table as changed for each statement execute function note_account_changes()', noted);
        execute format('create trigger note_update after update on %I referencing new table as changed for each statement execute function note_account_changes()', noted);
        execute format('create trigger note_delete after delete on %I referencing old table as changed for each statement execute function note_account_changes()', noted);
    end loop;
end $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
do $$
declare
    noted text;
begin
    foreach noted in array array['tiers', 'limits', 'endpoints', 'endpoint_groups', 'meters'] loop
        execute format('drop trigger note_change on %I', noted);
    end loop;
    foreach noted in array array['accounts', 'keys', 'identities', 'overrides'] loop
        execute format('drop trigger note_insert on %I', noted);
        execute format('drop trigger note_update on %I', noted);
        execute format('drop trigger note_delete on %I', noted);
    end loop;
end $$;
-- +goose StatementEnd
drop function note_catalog_change, note_account_changes;
drop table policy_changes, policy_versions;
alter table retention drop column revision;
