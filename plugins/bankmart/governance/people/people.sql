-- Legal holds, what retention has removed, requests to be forgotten and what was done about them.
-- Idempotent: run at every start, by the database's owner.

set role platform;

-- What may be neither removed nor erased. Its end is a fact of its own: who ended it, and when.
create table if not exists governance.legal_hold (
    hold_id bigint generated always as identity primary key,
    kind text not null check (kind in ('customer', 'table')),
    scope text not null,
    reason text not null,
    held_by text not null,
    since date not null default current_date,
    until date,
    held_at timestamptz not null default clock_timestamp(),
    ended_by text,
    ended_at timestamptz,
    check (until >= since)
);

-- Up to where a table's old rows are gone: dates before can't be built again.
create table if not exists governance.retention (
    schema_name text not null,
    table_name text not null,
    removed_before date not null,
    removed_count bigint not null,
    removed_at timestamptz not null default clock_timestamp(),
    primary key (schema_name, table_name)
);

-- Landing folders that are past their time, until they are gone and counted.
create table if not exists governance.expired_folder (folder text primary key);

-- A request to be forgotten. The customer's number stands here until the work is done, the token for ever.
create table if not exists governance.erasure (
    erasure_id bigint generated always as identity primary key,
    customer_id text,
    customer_token text not null,
    reason text not null,
    state text not null default 'requested' check (state in ('requested', 'approved', 'running', 'done', 'refused')),
    requested_by text not null,
    requested_at timestamptz not null default clock_timestamp(),
    decided_by text,
    decided_at timestamptz,
    finished_at timestamptz,
    certificate jsonb,
    check ((state = 'done') = (customer_id is null)),
    check (state in ('requested') or decided_by <> requested_by)
);
-- The delivered event that the request came with; once only, whatever becomes of it.
alter table governance.erasure add column if not exists event text unique;
-- When old versions of the person's rows were gone from the server's files, too; before that, what has to be written
-- anew was listed.
alter table governance.erasure
add column if not exists scrub_listed_at timestamptz,
add column if not exists scrubbed_at timestamptz;
create unique index if not exists erasure_once on governance.erasure (customer_token) where state <> 'refused';

-- A number that is gone, by its token, and the anonymous one in its place: what comes with it again gets that one.
create table if not exists governance.tombstone (
    token text primary key,
    kind text not null,
    anonymous text not null,
    erasure_id bigint not null references governance.erasure,
    made_at timestamptz not null default clock_timestamp()
);

-- Builds whose rows were changed in place: their hashes are others since then, and rightly.
create table if not exists governance.build_change (
    build_id bigint not null references governance.build,
    erasures bigint[] not null,
    row_count bigint not null,
    changed_at timestamptz not null default clock_timestamp(),
    primary key (build_id, erasures)
);

-- What is still to be done outside the database, of the running erasures together. Emptied when they are done.
create table if not exists governance.erasure_work (
    step text not null,
    target text not null,
    detail jsonb not null default '{}',
    state text not null default 'open' check (state in ('open', 'done')),
    primary key (step, target)
);

-- Tables that are written anew after erasures, each with the file that it had: with another one it is done.
create table if not exists governance.erasure_scrub (
    schema_name text not null,
    table_name text not null,
    filenode oid not null,
    size bigint not null,
    primary key (schema_name, table_name)
);

-- Models that have learnt from somebody who is gone since.
create table if not exists governance.retrain_due (
    model text not null,
    erasure_id bigint not null references governance.erasure,
    since timestamptz not null default clock_timestamp(),
    done_at timestamptz,
    primary key (model, erasure_id)
);

revoke all on governance.legal_hold, governance.erasure, governance.erasure_work from public;
grant select on governance.tombstone to loader;
grant select, update on governance.retrain_due to scorer;

-- The content of a landing file after somebody was taken out of it: the same delivery all the same.
alter table governance.load add column if not exists erased_sha256 text;

reset role;
