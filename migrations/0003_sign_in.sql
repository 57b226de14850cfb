-- +goose Up

-- One-time links for the dashboard. Only a digest of the token is stored.
create table sign_in_links (
    digest     bytea primary key check (octet_length(digest) = 32),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);

-- Browser sessions, by the digest of the cookie.
create table sessions (
    token      text primary key,
    content    bytea not null,
    expires_at timestamptz not null
);
create index sessions_expires_idx on sessions (expires_at);

-- Tokens for scripts.
create table api_tokens (
    id         bigint generated always as identity primary key,
    name       text not null unique,
    digest     bytea not null unique check (octet_length(digest) = 32),
    created_at timestamptz not null default now()
);

-- +goose Down
drop table api_tokens, sessions, sign_in_links;
