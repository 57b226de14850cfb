-- +goose Up

-- How text is compared in a search: without case and accents. The database's
-- encoding has to be UTF8.
-- +goose StatementBegin
create function folded(text) returns text language sql immutable strict parallel safe as $$
    select lower(regexp_replace(normalize($1, nfkd), '[\u0300-\u036f]', '', 'g'))
$$;
-- +goose StatementEnd

-- Labels as people search them, a line each.
-- +goose StatementBegin
create function label_lines(jsonb) returns text language sql immutable strict parallel safe as $$
    select coalesce(string_agg(key || '=' || value, E'\n' order by key), '') from jsonb_each_text($1)
$$;
-- +goose StatementEnd

create extension if not exists pg_trgm;

alter table accounts
    add column status        text not null default 'active' check (status in ('trial', 'active', 'suspended', 'closed')),
    add column labels        jsonb not null default '{}' check (jsonb_typeof(labels) = 'object'),
    add column trial_ends_at timestamptz, -- of a trial only, as in what follows
    add column trial_then    text check (trial_then in ('activate', 'suspend')),
    add column trial_tier_id bigint constraint accounts_trial_tier_fkey references tiers, -- null: it stays on its own
    add column closed_at     timestamptz,
    add constraint accounts_trial_check check ((status = 'trial') = (trial_ends_at is not null) and (status = 'trial') = (trial_then is not null)
        and (trial_tier_id is null or trial_then = 'activate')),
    add constraint accounts_closed_check check ((status = 'closed') = (closed_at is not null));
update accounts set status = 'suspended' where suspended;
alter table accounts drop column suspended;
alter table accounts add column search text generated always as (folded(name || E'\n' || label_lines(labels))) stored;

create index accounts_search_idx on accounts using gin (search gin_trgm_ops);
create index accounts_labels_idx on accounts using gin (labels);
create index accounts_created_idx on accounts (created_at, id);
create index accounts_status_idx on accounts (status, name, id) where status <> 'active';
create index accounts_trial_idx on accounts (trial_ends_at) where status = 'trial';
create index accounts_trial_tier_idx on accounts (trial_tier_id) where trial_tier_id is not null;
create index identities_search_idx on identities using gin (folded(value) gin_trgm_ops);
create index keys_prefix_idx on keys (lower(prefix) text_pattern_ops);

-- What accounts that are created without a tier get at first: so many percent of
-- each of the default tier's limits, for so many days.
alter table policy
    add column introductory_percent integer check (introductory_percent between 101 and 1000),
    add column introductory_days    integer check (introductory_days between 1 and 366),
    add constraint policy_introductory_check check ((introductory_percent is null) = (introductory_days is null));
alter table overrides add column introductory boolean not null default false;

-- Changes that are carried out at a time, as fields of Mutation with their input.
create table scheduled_changes (
    id         bigint generated always as identity primary key,
    at         timestamptz not null,
    note       text not null,
    field      text not null,
    input      jsonb not null,
    account_id bigint references accounts, -- whose; null: no account's
    status     text not null default 'pending' check (status in ('pending', 'done', 'failed', 'cancelled')),
    actor_kind text not null, -- who made it
    actor_id   bigint not null,
    actor_name text not null,
    created_at timestamptz not null default now(),
    settled_at timestamptz, -- carried out, failed or cancelled
    fault      text not null default '', -- why it failed
    tries      integer not null default 0, -- that failed on our side
    not_before timestamptz not null default '-infinity',
    check ((status = 'pending') = (settled_at is null))
);
create index scheduled_changes_due_idx on scheduled_changes (greatest(at, not_before)) where status = 'pending';
create index scheduled_changes_account_idx on scheduled_changes (account_id, id) where account_id is not null;

-- +goose Down
drop table scheduled_changes;
alter table overrides drop column introductory;
alter table policy drop column introductory_percent, drop column introductory_days;
drop index keys_prefix_idx, identities_search_idx;
alter table accounts add column suspended boolean not null default false;
update accounts set suspended = true where status in ('suspended', 'closed');
alter table accounts drop column search, drop column status, drop column labels, drop column trial_ends_at, drop column trial_then,
    drop column trial_tier_id, drop column closed_at;
drop function folded, label_lines;
