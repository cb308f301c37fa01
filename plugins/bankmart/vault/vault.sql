-- The vault: clear values of identifiers, sealed; and the wrapped keys that open them. No master key is in here.
-- It belongs to role vault. The loader adds to it; the platform, which runs dbt, may destroy and not read.
-- Idempotent: run at every start, by an administrator.

create schema if not exists vault authorization vault;
revoke all on schema vault from public;
set role vault;

-- Master keys by name: the name is derived from the key and tells nothing of it. One locks the vault.
create table if not exists vault.master (
    name text primary key,
    is_current boolean not null,
    -- The key of tokens, wrapped: it stays when the master changes.
    token_key bytea not null,
    since timestamptz not null default clock_timestamp()
);
create unique index if not exists master_current on vault.master (is_current) where is_current;

-- One key per customer: without it, nothing that is sealed of the customer can ever be opened.
create table if not exists vault.data_key (
    customer_id text primary key,
    master text not null,
    wrapped bytea not null,
    since timestamptz not null default clock_timestamp()
);
create index if not exists data_key_master on vault.data_key (master);

-- All clear values of one delivered row, sealed as one.
create table if not exists vault.sealed (
    source text not null,
    business_date date not null,
    row_key text not null,
    customer_id text not null references vault.data_key on delete cascade,
    record bytea not null,
    primary key (source, business_date, row_key)
);
create index if not exists sealed_customer on vault.sealed (customer_id);

-- Records that broke the contract are sealed by load: whose they are is not known of all.
create table if not exists vault.load_key (
    load_id bigint primary key,
    master text not null,
    wrapped bytea not null
);

-- What `bankmart vault check` has opened: all that was written before a transaction, and each part of everything on a day.
create table if not exists vault.last_check (
    is_only boolean primary key default true check (is_only),
    up_to xid8 not null,
    parts date[] not null
);

-- Destroys keys, and with them what they open; who may call it reads nothing by it.
create or replace function vault.destroy(customers text[]) returns bigint
language sql volatile security definer set search_path = '' as $$
    with gone as (delete from vault.data_key where customer_id = any(customers) returning 1)
    select count(*) from gone;
$$;

revoke all on all functions in schema vault from public;
grant usage on schema vault to loader, platform;
grant execute on function vault.destroy(text[]) to platform;
grant select, insert on vault.master, vault.data_key to loader;
grant select, insert, delete on vault.sealed, vault.load_key to loader;

reset role;

grant usage on schema governance to vault;
grant select on governance.quarantine to vault;
grant usage on schema audit to vault;
grant execute on function audit.head() to vault;
grant execute on function audit.add(bigint, timestamptz, text, text, text, text, jsonb, text, text) to vault;
grant execute on function audit.say(bigint, text, text, text) to vault;
