-- +goose Up

-- What requests with an Idempotency-Key did, for a day. The key's text is not kept:
-- what opens the answer is made of it.
create table idempotency_keys (
    actor_kind text not null,
    actor_id   bigint not null,
    digest     bytea not null check (length(digest) = 32), -- of the key's text
    body       bytea not null check (length(body) = 32),   -- digest of the operation
    -- Who runs the operation: attempts are counted, and only the last one may change
    -- anything or answer.
    attempt    bigint not null default 1,
    claimed_at timestamptz not null default now(),
    runs_until timestamptz not null, -- unless it has ended or changed something by then, another attempt may take over
    records    bigint[] not null default '{}', -- of the audit log: what it changed
    answer     bytea check (length(answer) <= 300000), -- encrypted; null: not known
    primary key (actor_kind, actor_id, digest)
);
create index idempotency_keys_claimed_idx on idempotency_keys (claimed_at);

-- +goose Down
drop table idempotency_keys;
