-- Notices. Idempotent: run at every start, by an administrator.
set role platform;

-- What people were told, or could not be.
create table if not exists governance.notice (
    notice_id bigint generated always as identity primary key,
    kind text not null,
    subject text not null,
    body text not null,
    told_at timestamptz not null default clock_timestamp(),
    channel text not null,
    status text not null check (status in ('waiting', 'sent')),
    tries integer not null default 0,
    error text,
    sent_at timestamptz
);
alter table governance.notice add column if not exists tried_at timestamptz;
create index if not exists notice_waiting on governance.notice (notice_id) where status = 'waiting';

reset role;
