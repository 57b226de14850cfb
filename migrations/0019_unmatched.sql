-- +goose Up

-- A sample of the requests to paths that no endpoint's template matched, of known
-- accounts, for making endpoints from. Paths may have somebody's name in them: a row is
-- gone seven days after it was made.
create table unmatched_paths (
    method        text not null check (method ~ '^[A-Z]{1,20}$'),
    path          text not null check (octet_length(path) between 1 and 512), -- without query, in templates' spelling
    requests      bigint not null check (requests > 0), -- of the sample
    first_seen_at timestamptz not null default now(),
    last_seen_at  timestamptz not null default now(),
    primary key (method, path)
);
