-- +goose Up

-- The issuer that a JWT must come from for its subject to stand for the account.
alter table identities add column issuer text not null default ''; -- empty: any
alter table identities add constraint identities_issuer_check check (issuer = '' or kind = 'jwt');
alter table identities drop constraint identities_value_key;
alter table identities add constraint identities_value_key unique (kind, value, issuer);

-- +goose Down
alter table identities drop constraint identities_value_key;
alter table identities add constraint identities_value_key unique (kind, value);
alter table identities drop column issuer;
