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
declare
    stray bigint;
    last record;
begin
    -- Each follows the one before it, and the first of them the head.
    select a.seq into stray
    from (select seq, prev_hash, lag(seq) over in_order as seq_before, lag(hash) over in_order as hash_before from added window in_order as (order by seq)) a
    where a.seq_before is not null and (a.seq_before, a.hash_before) is distinct from (a.seq - 1, a.prev_hash) limit 1;
    if found then
        raise exception 'audit record % does not follow the head of the audit log', stray;
    end if;
    select l.seq, l.hash, f.seq - 1 as follows, f.prev_hash into last
    from (select seq, prev_hash from added order by seq limit 1) f, (select seq, hash from added order by seq desc limit 1) l;
    if found then
        update audit_head h set seq = last.seq, hash = last.hash where h.seq = last.follows and h.hash = last.prev_hash;
        if not found then
            raise exception 'audit record % does not follow the head of the audit log', last.follows + 1;
        end if;
    end if;
    return null;
end $$;
-- +goose StatementEnd
create trigger extend_log after insert on audit_records referencing new table as added for each statement execute function extend_audit_log();

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
    if new.seq <= old.seq or not exists (select from audit_records where seq = new.seq and hash = new.hash) then
        raise exception 'the head of the audit log moves on to a record, and never back' using errcode = 'insufficient_privilege';
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
