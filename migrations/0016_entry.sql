-- +goose Up

-- Whom an OpenID provider's subjects are here. A member has one at each issuer.
create table openid_identities (
    issuer    text not null,
    subject   text not null check (octet_length(subject) between 1 and 255),
    member_id bigint not null references members on delete cascade,
    email     text not null, -- that they were known by when they first came
    linked_at timestamptz not null default now(),
    primary key (issuer, subject),
    constraint openid_identities_member_key unique (member_id, issuer)
);

-- Browsers that were sent to the provider, by the digest of a cookie that they have.
-- Each comes back once.
create table openid_attempts (
    digest     bytea primary key check (octet_length(digest) = 32),
    next       text not null, -- where they want to go, in the dashboard
    expires_at timestamptz not null
);
create index openid_attempts_expires_idx on openid_attempts (expires_at);

-- Whether a session began at the provider, so that it can end there, too.
alter table sessions add column openid boolean not null default false;

-- The control plane may run as a role that owns nothing. What it needs beyond rows are
-- partitions, which these make and drop for it as the owner, and nothing else.

-- What is left free in each page takes new versions of its rows, as rows are added to
-- again and again while their bucket lasts, and grow by their latencies: a version in
-- the same page costs no index anything. Making and attaching take no lock that a
-- commit or a query would wait for, as `create table … partition of` does.
-- +goose StatementBegin
create function make_partition(parent text, suffix text, lower_bound timestamptz, upper_bound timestamptz) returns void language plpgsql security definer as $$
declare
    made text := parent || '_' || suffix;
begin
    if suffix is null or suffix !~ '^[0-9]{4,8}$' or not exists (
        select from pg_class where relname = parent and relkind = 'p' and relnamespace = current_schema()::regnamespace
    ) then
        raise exception 'there are no partitions such as % of %', suffix, parent using errcode = 'invalid_parameter_value';
    end if;
    execute format('create table %I (like %I including all) with (fillfactor = 50)', made, parent);
    execute format('alter table %I attach partition %I for values from (%s) to (%s)', parent, made,
        coalesce(quote_literal(lower_bound), 'minvalue'), coalesce(quote_literal(upper_bound), 'maxvalue'));
end $$;
-- +goose StatementEnd

-- It waits for the partition's readers, and who comes after waits for it: so not for
-- long. Whoever owns the tables detaches them concurrently instead.
-- +goose StatementBegin
create function drop_partition(parent text, dropped text) returns void language plpgsql security definer set lock_timeout = '500ms' as $$
declare
    part record;
begin
    select c.relname as name, i.inhrelid is not null as attached, coalesce(i.inhdetachpending, false) as pending into part
    from pg_class c left join pg_inherits i on i.inhrelid = c.oid
    where c.relname = dropped and c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and c.relname ~ ('^' || parent || '_[0-9]{4,8}$')
        and exists (select from pg_class p where p.relname = parent and p.relkind = 'p' and p.relnamespace = c.relnamespace and (i.inhparent is null or i.inhparent = p.oid));
    if not found then
        raise exception 'there is no partition % of %', dropped, parent using errcode = 'invalid_parameter_value';
    end if;
    if part.attached then
        execute format('alter table %I detach partition %I %s', parent, dropped, case when part.pending then 'finalize' else '' end);
    end if;
    execute format('drop table %I', dropped);
end $$;
-- +goose StatementEnd

-- Whoever adds a record moves the head by that alone.
alter function extend_audit_log security definer;

-- Roles that weir migrate keeps privileges of, by what they are for.
create table database_roles (
    name text primary key,
    kind text not null check (kind in ('APP', 'READ'))
);

-- +goose StatementBegin
do $$
declare
    safe text;
begin
    foreach safe in array array['make_partition(text, text, timestamptz, timestamptz)', 'drop_partition(text, text)', 'extend_audit_log()'] loop
        execute format('alter function %s set search_path = %I, pg_temp', safe, current_schema());
        execute format('revoke all on function %s from public', safe);
    end loop;
end $$;
-- +goose StatementEnd

-- +goose Down
drop table database_roles;
drop function make_partition, drop_partition;
alter function extend_audit_log security invoker;
alter function extend_audit_log reset search_path;
alter table sessions drop column openid;
drop table openid_attempts, openid_identities;
