-- Quality's own tables. Idempotent: run at every start, by an administrator.
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

-- What the values of a column look like, as they were looked at last; finding: what its class denies, or null.
create table if not exists governance.content_look (
    table_name text not null,
    column_name text not null,
    data_class text not null,
    business_date date not null,
    value_count bigint not null,
    finding text,
    looked_at timestamptz not null default clock_timestamp(),
    primary key (table_name, column_name)
);

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

reset role;
