-- +goose Up

-- The log of changes. Records are only ever added, each in its place.
create table audit_records (
    seq         bigint primary key,
    at          timestamptz not null,
    actor_kind  text not null,
    actor_id    bigint not null, -- 0: none
    actor_name  text not null,
    request_id  text not null, -- empty: in no request
    action      text not null,
    object_kind text not null,
    object_id   text not null, -- empty: there is one such object
    object_name text not null,
    account_id  bigint not null, -- 0: no account's
    before      jsonb,
    after       jsonb,
    prev_hash   bytea not null check (octet_length(prev_hash) = 32),
    hash        bytea not null check (octet_length(hash) = 32)
);
create index audit_records_at_idx on audit_records (at);
create index audit_records_action_idx on audit_records (action, seq);
create index audit_records_actor_idx on audit_records (actor_kind, actor_id, seq);
create index audit_records_object_idx on audit_records (object_id, seq) where object_id <> '';
create index audit_records_account_idx on audit_records (account_id, seq) where account_id <> 0;
create index audit_records_request_idx on audit_records (request_id) where request_id <> '';

-- Where the log ends. Whoever adds a record locks this row, so records queue up.
create table audit_head (
    only_row boolean primary key default true check (only_row),
    seq      bigint not null,
    hash     bytea not null check (octet_length(hash) = 32)
);
insert into audit_head (seq, hash) values (0, decode(repeat('00', 32), 'hex'));

-- +goose StatementBegin
create function extend_audit_log() returns trigger language plpgsql as $$
begin
    update audit_head set seq = new.seq, hash = new.hash where seq = new.seq - 1 and hash = new.prev_hash;
    if not found then
        raise exception 'audit record % does not follow the head of the audit log', new.seq;
    end if;
    return new;
end $$;
-- +goose StatementEnd
create trigger extend_log before insert on audit_records for each row execute function extend_audit_log();

-- +goose StatementBegin
create function refuse_audit_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log is only ever added to; % of % is refused', lower(tg_op), tg_table_name using errcode = 'insufficient_privilege';
end $$;
-- +goose StatementEnd
create trigger refuse_change before update or delete or truncate on audit_records for each statement execute function refuse_audit_change();
create trigger refuse_change before delete or truncate on audit_head for each statement execute function refuse_audit_change();

-- +goose StatementBegin
create function refuse_audit_rewind() returns trigger language plpgsql as $$
begin
    if new.seq <> old.seq + 1 then
        raise exception 'the head of the audit log moves on by one record at a time' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
-- +goose StatementEnd
create trigger refuse_rewind before update on audit_head for each row execute function refuse_audit_rewind();

-- The owner of the tables may give these back to itself; the triggers stay.
-- +goose StatementBegin
do $$
begin
    execute format('revoke update, delete, truncate on audit_records from public, %I', current_user);
    execute format('revoke delete, truncate on audit_head from public, %I', current_user);
end $$;
-- +goose StatementEnd

-- +goose Down
drop table audit_records, audit_head;
drop function extend_audit_log, refuse_audit_change, refuse_audit_rewind;
