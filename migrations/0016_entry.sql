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

-- +goose Down
alter table sessions drop column openid;
drop table openid_attempts, openid_identities;
