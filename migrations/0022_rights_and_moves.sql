-- +goose Up

-- The token with which it was made: who revokes that revokes this.
alter table api_tokens add column parent_id bigint references api_tokens on delete set null;
create index api_tokens_parent_idx on api_tokens (parent_id) where parent_id is not null;

-- Records come many at a time.
drop trigger extend_log on audit_records;
-- +goose StatementBegin
create or replace function extend_audit_log() returns trigger language plpgsql security definer as $$
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
create or replace function refuse_audit_rewind() returns trigger language plpgsql as $$
begin
    if new.seq <= old.seq or not exists (select from audit_records where seq = new.seq and hash = new.hash) then
        raise exception 'the head of the audit log moves on to a record, and never back' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
-- +goose StatementEnd

-- What is replaced loses its settings.
-- +goose StatementBegin
do $$
begin
    execute format('alter function extend_audit_log() set search_path = %I, pg_temp', current_schema());
    revoke all on function extend_audit_log() from public;
end $$;
-- +goose StatementEnd

-- Of a move in steps: how many accounts have moved, as of the last step.
alter table tier_moves add column moved integer not null default 0;
update tier_moves m set moved = case
        when state = 'turned_back' then 0
        when state in ('running', 'paused', 'stopping') then (
            select least(count(*), m.accounts) from accounts a
            where a.cohort_id = any(m.from_cohorts) and account_place('move ' || m.id::text, a.id) < m.percent * 100)
        else (accounts::bigint * percent + 50) / 100 end
where way = 'steps';

-- In the order in which they are due.
drop index account_moves_due_idx, account_moves_tier_move_idx;
create index account_moves_due_idx on account_moves (due_at, id) where moved_at is null and cancelled_at is null and tier_move_id is null;
create index account_moves_tier_due_idx on account_moves (tier_move_id, due_at, id) where moved_at is null and cancelled_at is null and tier_move_id is not null;
create index account_moves_tier_move_idx on account_moves (tier_move_id) where tier_move_id is not null;
