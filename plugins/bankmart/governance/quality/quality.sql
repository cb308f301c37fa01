-- Quality's own tables and what readers see of them. Idempotent: run at every start, by an administrator.
set role platform;

-- Why a gate was red, and what it protected.
create table if not exists governance.gate_stop (
    build_id bigint not null references governance.build,
    business_date date not null,
    layer text not null,
    node_id text not null,
    rule text not null,
    row_count bigint,
    examples jsonb,
    owner text not null,
    runbook text not null,
    readers_see date,
    says text not null,
    stopped_at timestamptz not null default clock_timestamp(),
    primary key (build_id, layer, node_id)
);

-- What is measured of a delivered table on its date, for the anomaly checks. column_name and value may be ''.
create table if not exists governance.delivery_measure (
    load_id bigint not null references governance.load,
    system text not null,
    table_name text not null,
    business_date date not null,
    measure text not null check (measure in ('rows', 'rejected', 'null', 'share', 'size', 'lag')),
    column_name text not null,
    value text not null,
    amount double precision not null,
    row_count bigint not null,
    primary key (load_id, measure, column_name, value)
);
create index if not exists delivery_measure_date on governance.delivery_measure (business_date, system, table_name);

-- Sums: what the sender stated, what was loaded, what lies in quarantine, what the mart says.
create table if not exists governance.reconciliation (
    build_id bigint not null references governance.build,
    business_date date not null,
    table_name text not null,
    column_name text not null,
    stated_amount numeric not null,
    loaded_amount numeric not null,
    quarantined_count bigint not null,
    mart text,
    mart_amount numeric,
    read_count bigint not null,
    accepted_count bigint not null,
    loaded_count bigint not null,
    mart_count bigint,
    verdict text not null check (verdict in ('pass', 'warn', 'stop')),
    reason text not null,
    reconciled_at timestamptz not null default clock_timestamp(),
    primary key (build_id, table_name, column_name)
);

-- Every check of a build in one place, by table, column and dimension. column_name '' is the whole table.
create table if not exists governance.quality_result (
    build_id bigint not null references governance.build,
    business_date date not null,
    table_name text not null,
    column_name text not null,
    dimension text not null check (
        dimension in ('completeness', 'uniqueness', 'validity', 'consistency', 'timeliness', 'accuracy')
    ),
    rule text not null,
    severity text not null check (severity in ('stop', 'warn')),
    verdict text not null check (verdict in ('pass', 'warn', 'stop', 'unjudged')),
    checked_count bigint,
    failed_count bigint,
    score double precision check (score between 0 and 1),
    reason text,
    measured_at timestamptz not null default clock_timestamp(),
    primary key (build_id, table_name, column_name, rule)
);
create index if not exists quality_result_date on governance.quality_result (business_date, table_name);

-- A check that can stop counts twice. A table's score is the mean of its dimensions', so that many checks of one kind
-- don't hide the only one of another.
create or replace view governance.quality_score as
with dimension as (
    select
        build_id,
        business_date,
        table_name,
        dimension,
        count(*) as check_count,
        count(*) filter (where verdict in ('warn', 'stop')) as failed_count,
        100 * sum(score * case severity when 'stop' then 2 else 1 end) / sum(case severity when 'stop' then 2 else 1 end)
            as score
    from governance.quality_result
    where verdict <> 'unjudged'
    group by build_id, business_date, table_name, dimension
)

select
    build_id,
    business_date,
    table_name,
    sum(check_count)::bigint as check_count,
    sum(failed_count)::bigint as failed_count,
    avg(score) as score,
    avg(score) filter (where dimension = 'completeness') as completeness,
    avg(score) filter (where dimension = 'uniqueness') as uniqueness,
    avg(score) filter (where dimension = 'validity') as validity,
    avg(score) filter (where dimension = 'consistency') as consistency,
    avg(score) filter (where dimension = 'timeliness') as timeliness,
    avg(score) filter (where dimension = 'accuracy') as accuracy
from dimension
group by build_id, business_date, table_name;

-- Seen by readers: published dates only. Reasons of delivered values stay inside.
create or replace view published.quality_score with (security_barrier) as
select
    score.business_date,
    score.table_name,
    score.check_count,
    score.failed_count,
    score.score,
    score.completeness,
    score.uniqueness,
    score.validity,
    score.consistency,
    score.timeliness,
    score.accuracy,
    score.score - avg(score.score) over (
        partition by score.table_name order by score.business_date
        range between interval '30 days' preceding and interval '1 day' preceding
    ) as trend
from governance.quality_score as score
where score.build_id in (select build_id from governance.publication);
comment on view published.quality_score is '数据质量评分. One row per published date and table: score of 100, per dimension, and its distance from the mean of the 30 days before.';

create or replace view published.quality_result with (security_barrier) as
select business_date, table_name, column_name, dimension, rule, severity, verdict, checked_count, failed_count, score
from governance.quality_result
where build_id in (select build_id from governance.publication);
comment on view published.quality_result is '数据质量检查结果. One row per published date and check.';

create or replace view published.reconciliation with (security_barrier) as
select
    business_date, table_name, column_name, stated_amount, loaded_amount, mart, mart_amount, quarantined_count, verdict
from governance.reconciliation
where build_id in (select build_id from governance.publication);
comment on view published.reconciliation is '对账. One row per published date and control total: stated by the sender, loaded, and in the mart.';

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
create index if not exists notice_waiting on governance.notice (notice_id) where status = 'waiting';

reset role;
