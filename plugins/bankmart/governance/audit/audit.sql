-- The audit chain. It belongs to a role that nobody logs in as: the platform's own roles add entries by audit.add and
-- can't change one, nor can they drop the schema. What a superuser does to it `bankmart audit verify` finds.
-- Idempotent: run at every start, by an administrator.

do $$
begin
    if not exists (select from pg_roles where rolname = 'bankmart_audit') then
        create role bankmart_audit nologin;
    end if;
    if not (select rolsuper from pg_roles where rolname = current_user) then
        grant bankmart_audit to current_user;
    end if;
end
$$;

create schema if not exists audit authorization bankmart_audit;
set role bankmart_audit;

create table if not exists audit.entry (
    number bigint primary key,
    happened_at timestamptz not null,
    role_name text not null,
    kind text not null check (kind ~ '^[a-z][a-z_]*$'),
    actor text not null,
    subject text not null,
    facts jsonb not null,
    previous_hash text not null unique check (previous_hash ~ '^[0-9a-f]{64}$'),
    hash text not null unique check (hash ~ '^[0-9a-f]{64}$')
);
create index if not exists entry_kind on audit.entry (kind, number);
comment on table audit.entry is '审计链. One row per act: each carries the SM3 hash of itself and of the one before.';

-- The newest entry: who adds locks this row, so that no two follow the same one.
create table if not exists audit.tip (
    only_row boolean primary key default true check (only_row),
    number bigint not null,
    hash text not null
);
insert into audit.tip (number, hash) values (0, repeat('0', 64)) on conflict do nothing;

-- What people typed freely (reasons, names of files), by the entry that has the salted hash of it: here an erasure can
-- blacken it, with another salt, and says the new hash in an entry of its own.
create table if not exists audit.said (
    entry bigint not null,
    name text not null,
    salt text not null check (salt ~ '^[0-9a-f]{32}$'),
    words text not null,
    primary key (entry, name)
);
comment on table audit.said is '审计所述. What people typed freely, beside the chain: it has the hashes.';

create or replace function audit.refuse() returns trigger language plpgsql set search_path = '' as $$
begin
    raise exception 'the audit chain can only be added to: % is refused', lower(tg_op)
        using errcode = 'insufficient_privilege';
end
$$;

create or replace function audit.follow() returns trigger language plpgsql set search_path = '' as $$
declare
    tip audit.tip%rowtype;
begin
    select * into strict tip from audit.tip for update;
    if new.number <> tip.number + 1 or new.previous_hash <> tip.hash or new.role_name <> session_user then
        raise exception 'entry % does not follow entry % of the audit chain', new.number, tip.number
            using errcode = 'integrity_constraint_violation';
    end if;
    update audit.tip set number = new.number, hash = new.hash;
    return new;
end
$$;

do $$
begin
    if not exists (select from pg_trigger where tgrelid = 'audit.entry'::regclass and tgname = 'entry_stays') then
        create trigger entry_stays before update or delete or truncate on audit.entry
            for each statement execute function audit.refuse();
        create trigger entry_follows before insert on audit.entry
            for each row execute function audit.follow();
        create trigger tip_stays before delete or truncate on audit.tip
            for each statement execute function audit.refuse();
        -- Also where a session says that it only replicates.
        alter table audit.entry enable always trigger entry_stays;
        alter table audit.entry enable always trigger entry_follows;
        alter table audit.tip enable always trigger tip_stays;
    end if;
    if not exists (select from pg_trigger where tgrelid = 'audit.said'::regclass and tgname = 'said_stays') then
        create trigger said_stays before delete or truncate on audit.said
            for each statement execute function audit.refuse();
        alter table audit.said enable always trigger said_stays;
    end if;
end
$$;

-- The entry to follow, locked until the caller's transaction ends; the moment and the login, to be hashed with the rest.
create or replace function audit.head(
    out number bigint, out hash text, out moment timestamptz, out role_name text
) language sql volatile security definer set search_path = '' as $$
    select number, hash, clock_timestamp(), session_user::text from audit.tip for update;
$$;

create or replace function audit.add(
    number bigint, happened_at timestamptz, role_name text, kind text, actor text, subject text, facts jsonb,
    previous_hash text, hash text
) returns void language sql volatile security definer set search_path = '' as $$
    insert into audit.entry values ($1, $2, $3, $4, $5, $6, $7, $8, $9);
$$;

-- Of the newest entry only, which the caller has just added.
create or replace function audit.say(entry bigint, name text, salt text, words text)
returns void language sql volatile security definer set search_path = '' as $$
    insert into audit.said select $1, $2, $3, $4 from audit.tip where number = $1;
$$;

create or replace function audit.blacken(entry bigint, name text, salt text, words text)
returns void language sql volatile security definer set search_path = '' as $$
    update audit.said set salt = $3, words = $4 where said.entry = $1 and said.name = $2;
$$;

revoke all on schema audit from public;
revoke all on all functions in schema audit from public;
revoke update, delete, truncate on audit.entry from bankmart_audit;
revoke delete, truncate on audit.said from bankmart_audit;
grant usage on schema audit to platform, loader, scorer;
grant execute on function audit.head() to platform, loader, scorer;
grant execute on function audit.add(bigint, timestamptz, text, text, text, text, jsonb, text, text)
to platform, loader, scorer;
grant execute on function audit.say(bigint, text, text, text) to platform, loader, scorer;
grant execute on function audit.blacken(bigint, text, text, text) to eraser;
grant select on audit.entry, audit.tip, audit.said to platform;
-- To know what it has said of a model before.
grant select (number, kind, subject, facts) on audit.entry to scorer;
-- Who audits reads it all (the role is made from `vars.readers`, where the bank has one).
do $$
begin
    if exists (select from pg_roles where rolname = 'auditor') then
        grant usage on schema audit to auditor;
        grant select on audit.entry, audit.tip, audit.said to auditor;
    end if;
end
$$;

reset role;
