-- +goose Up

-- Who may sign in to the dashboard. One that was invited has not joined yet.
create table members (
    id           bigint generated always as identity primary key,
    email        text check (email <> '' and email = lower(email)), -- null: the first owner has not given one
    name         text not null,
    role         text not null check (role in ('OWNER', 'ADMIN', 'OPERATOR', 'BILLING', 'VIEWER', 'CUSTOMER')),
    account_id   bigint constraint members_account_fkey references accounts, -- of a customer
    password     text,   -- an argon2id digest in the PHC format; null: none
    totp_secret  text,   -- base32; null: no second step
    totp_step    bigint not null default 0, -- the last time step whose code was used
    totp_draft   text,   -- a secret that is shown and not confirmed yet
    disabled     boolean not null default false,
    created_at   timestamptz not null default now(),
    joined_at    timestamptz,
    signed_in_at timestamptz,
    constraint members_email_key unique (email),
    check ((role = 'CUSTOMER') = (account_id is not null))
);

-- Codes that each stand in for a second step once. Only digests are stored.
create table recovery_codes (
    member_id bigint not null references members on delete cascade,
    digest    bytea not null check (octet_length(digest) = 32),
    primary key (member_id, digest)
);

-- One-time links for the dashboard. Only a digest of the token is stored.
create table sign_in_links (
    digest     bytea primary key check (octet_length(digest) = 32),
    member_id  bigint references members on delete cascade, -- null: signs in as the first owner
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index sign_in_links_member_idx on sign_in_links (member_id);

-- Browser sessions, by the digest of the cookie. A pending one waits for the
-- second step and is good for nothing else.
create table sessions (
    id           bigint generated always as identity primary key,
    digest       bytea not null unique check (octet_length(digest) = 32),
    member_id    bigint not null references members on delete cascade,
    pending      boolean not null default false,
    address      text not null,
    user_agent   text not null,
    begun_at     timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at   timestamptz not null
);
create index sessions_member_idx on sessions (member_id);
create index sessions_expires_idx on sessions (expires_at);

-- How often a sign-in may still be tried: a token bucket for each e-mail address,
-- network address and second step, by a digest of it.
create unlogged table sign_in_tries (
    digest     bytea primary key check (octet_length(digest) = 32),
    tries      float8 not null, -- left at that time
    taken      boolean not null, -- whether the last one was granted
    at         timestamptz not null default now()
);
create index sign_in_tries_at_idx on sign_in_tries (at);

-- Tokens for scripts. Revoked ones stay for their names in the audit log.
create table api_tokens (
    id           bigint generated always as identity primary key,
    name         text not null,
    prefix       text not null, -- the first characters, to tell tokens apart
    digest       bytea not null constraint api_tokens_digest_key unique check (octet_length(digest) = 32),
    scopes       text[] not null, -- permissions
    account_id   bigint constraint api_tokens_account_fkey references accounts, -- null: all accounts
    created_by   bigint references members on delete set null, -- null: the command line
    created_at   timestamptz not null default now(),
    expires_at   timestamptz,
    last_used_at timestamptz, -- to the minute
    revoked_at   timestamptz
);
create unique index api_tokens_name_key on api_tokens (name) where revoked_at is null;

-- +goose Down
drop table api_tokens, sign_in_tries, sessions, sign_in_links, recovery_codes, members;
