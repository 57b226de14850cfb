-- +goose Up

-- How text is compared in a search: without case and accents, without what chooses a
-- variant of a character, and with the letters that Unicode doesn't take apart as people
-- without them on their keyboard type them.
-- +goose StatementBegin
create or replace function folded(text) returns text language sql immutable strict parallel safe as $$
    select replace(replace(replace(replace(translate(
        lower(regexp_replace(normalize($1, nfkd), '[\u0300-\u036f\ufe00-\ufe0f]', '', 'g')),
        'øØłŁđĐðÐıħĦŧŦŋŊɨƗƀɃǥǤƶƵςẞÆŒÞ', 'oollddddihhttnniibbggzzσßæœþ'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th')
$$;
-- +goose StatementEnd

-- What is stored as the function was is stored anew.
alter table accounts drop column search;
alter table accounts add column search text generated always as (folded(name || E'\n' || label_lines(labels))) stored;
create index accounts_search_idx on accounts using gin (search gin_trgm_ops);
reindex index identities_search_idx;
