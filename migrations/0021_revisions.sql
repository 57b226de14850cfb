-- +goose Up

-- Each counts the changes of what can be edited of a row, whoever makes them, so that an
-- edit can say what it is based on. Those of overrides come from a sequence: one that is
-- set anew after a deletion has none that the other had.
alter table accounts  add column revision integer not null default 1;
alter table keys      add column revision integer not null default 1;
alter table endpoints add column revision integer not null default 1;
alter table meters    add column revision integer not null default 1;
alter table members   add column revision integer not null default 1;
alter table policy    add column defaults_revision integer not null default 1;
create sequence override_revisions as integer;
alter table overrides add column revision integer not null default nextval('override_revisions');

-- +goose StatementBegin
create function raise_revision() returns trigger language plpgsql as $$
begin
    new.revision := old.revision + 1;
    return new;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create function raise_override_revision() returns trigger language plpgsql as $$
begin
    new.revision := nextval('override_revisions');
    return new;
end $$;
-- +goose StatementEnd

-- +goose StatementBegin
create function raise_defaults_revision() returns trigger language plpgsql as $$
begin
    new.defaults_revision := old.defaults_revision + 1;
    return new;
end $$;
-- +goose StatementEnd

create trigger raise_revision before update on accounts for each row
    when ((old.name, old.tier_id, old.status, old.labels, old.time_zone, old.billing_day, old.trial_ends_at, old.trial_then, old.trial_tier_id, old.closed_at)
        is distinct from (new.name, new.tier_id, new.status, new.labels, new.time_zone, new.billing_day, new.trial_ends_at, new.trial_then, new.trial_tier_id, new.closed_at))
    execute function raise_revision();
create trigger raise_revision before update on keys for each row
    when ((old.name, old.suspended, old.expires_at, old.revoked_at, old.scope_id) is distinct from (new.name, new.suspended, new.expires_at, new.revoked_at, new.scope_id))
    execute function raise_revision();
create trigger raise_revision before update on endpoints for each row
    when ((old.template, old.cost, old.group_id) is distinct from (new.template, new.cost, new.group_id))
    execute function raise_revision();
create trigger raise_revision before update on meters for each row
    when ((old.name, old.unit, old.header, old.endpoint_id, old.hidden) is distinct from (new.name, new.unit, new.header, new.endpoint_id, new.hidden))
    execute function raise_revision();
create trigger raise_revision before update on members for each row
    when ((old.email, old.name, old.role, old.account_id, old.disabled) is distinct from (new.email, new.name, new.role, new.account_id, new.disabled))
    execute function raise_revision();
create trigger raise_revision before update on overrides for each row
    when ((old.amount, old.burst, old.mode, old.until, old.note, old.ended) is distinct from (new.amount, new.burst, new.mode, new.until, new.note, new.ended))
    execute function raise_override_revision();
create trigger raise_defaults_revision before update on policy for each row
    when ((old.default_tier_id, old.anonymous_tier_id, old.introductory_percent, old.introductory_days)
        is distinct from (new.default_tier_id, new.anonymous_tier_id, new.introductory_percent, new.introductory_days))
    execute function raise_defaults_revision();

-- Of things that there is one of.
create index audit_records_single_idx on audit_records (object_kind, seq) where object_id = '';
