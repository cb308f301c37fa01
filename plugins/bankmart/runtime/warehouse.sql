-- The warehouse before dbt comes: one schema per layer, who owns it, and governance's own tables.
-- Idempotent: run at every start, by the database's owner.

create schema if not exists sources authorization loader;
create schema if not exists staging authorization platform;
create schema if not exists intermediate authorization platform;
create schema if not exists marts authorization platform;
create schema if not exists tags authorization platform;
create schema if not exists features authorization platform;
create schema if not exists scores authorization platform;
create schema if not exists profile authorization platform;
create schema if not exists governance authorization platform;
create schema if not exists published authorization platform;
create schema if not exists own authorization platform;
create schema if not exists marketing authorization platform;

revoke create on schema public from public;

-- Nobody keeps anything in large objects: it would lie beside all grades, masks and erasures. Only a superuser may take
-- the right away; on a server where the administrator is none, its own administrator does so by the same statement.
do $$
begin
    if (select rolsuper from pg_roles where rolname = current_user) then
        revoke execute on function
            pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid), pg_catalog.lo_from_bytea(oid, bytea)
        from public;
    end if;
end
$$;

grant usage on schema sources to platform;
grant usage on schema governance to loader, scorer;
grant usage on schema features, scores to scorer;
grant usage on schema published to bi_reader;

set role platform;

create table if not exists governance.load (
    load_id bigint generated always as identity primary key,
    system text not null,
    table_name text not null,
    business_date date not null,
    file_name text not null,
    sha256 text,
    status text not null check (status in ('loaded', 'replaced', 'refused')),
    read_count bigint not null default 0,
    accepted_count bigint not null default 0,
    rejected_count bigint not null default 0,
    control_totals jsonb not null default '{}',
    reason text,
    run_id text,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
create unique index if not exists load_current
    on governance.load (system, table_name, business_date) where status = 'loaded';

create table if not exists governance.quarantine (
    load_id bigint not null references governance.load,
    system text not null,
    table_name text not null,
    business_date date not null,
    line_number bigint not null,
    column_name text,
    rule text not null,
    reason text not null,
    raw_text text not null
);
create index if not exists quarantine_load on governance.quarantine (load_id);

-- Records that were taken out of quarantine, repaired and loaded: each once.
create table if not exists governance.quarantine_repair (
    load_id bigint not null references governance.load,
    line_number bigint not null,
    repaired_by text not null,
    reason text not null,
    repaired_at timestamptz not null default clock_timestamp(),
    primary key (load_id, line_number)
);

create table if not exists governance.build (
    build_id bigint generated always as identity primary key,
    business_date date not null,
    kind text not null check (kind in ('daily', 'training')),
    status text not null check (status in ('building', 'passed', 'failed', 'published', 'superseded', 'tidied')),
    run_id text,
    dbt_invocation_id text,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    reason text
);
create index if not exists build_date on governance.build (business_date, kind);

create table if not exists governance.publication (
    business_date date primary key,
    build_id bigint not null references governance.build,
    published_at timestamptz not null default clock_timestamp()
);

create table if not exists governance.publication_event (
    event_id bigint generated always as identity primary key,
    event text not null check (event in ('publish', 'rollback')),
    business_date date not null,
    build_id bigint,
    previous_build_id bigint,
    actor text not null,
    happened_at timestamptz not null default clock_timestamp()
);

create table if not exists governance.published_view (
    name text primary key,
    definition_hash text not null
);
-- What the server had of it when it was made; without it (an older warehouse) the view is made once more.
alter table governance.published_view add column if not exists stands text;

create table if not exists governance.node_result (
    invocation_id text not null,
    build_id bigint not null references governance.build,
    business_date date not null,
    layer text not null,
    node_id text not null,
    node_name text not null,
    resource_type text not null,
    severity text,
    status text not null,
    rows_affected bigint,
    failures bigint,
    seconds double precision not null,
    message text,
    owner text not null,
    examples jsonb,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (invocation_id, node_id)
);
create index if not exists node_result_build on governance.node_result (build_id, layer);

-- Without a foreign key: looking up the build of every row would cost as much as writing it.
create table if not exists scores.customer_score (
    as_of_date date not null,
    build_id bigint not null,
    model text not null,
    model_version text not null,
    customer_id text not null,
    score double precision not null constraint score_is_finite check (abs(score) < 'infinity'),
    band text not null,
    reasons jsonb,
    is_champion boolean not null,
    mlflow_run_id text not null,
    primary key (as_of_date, build_id, model, model_version, customer_id)
);
-- An older warehouse only took probabilities, and looked up the build of every row.
alter table scores.customer_score drop constraint if exists customer_score_build_id_fkey;
do $$
begin
    if exists (select from pg_constraint where conname = 'customer_score_score_check') then
        alter table scores.customer_score
            drop constraint customer_score_score_check,
            add constraint score_is_finite check (abs(score) < 'infinity');
    end if;
end
$$;

-- Rank 1 is the best; an offer that may not be made has the reason in `excluded`.
create table if not exists scores.customer_offer (
    as_of_date date not null,
    build_id bigint not null,
    model text not null,
    model_version text not null,
    customer_id text not null,
    offer text not null,
    rank smallint check (rank > 0),
    score double precision not null constraint score_is_finite check (abs(score) < 'infinity'),
    reasons jsonb,
    excluded text,
    is_champion boolean not null,
    mlflow_run_id text not null,
    primary key (as_of_date, build_id, model, model_version, customer_id, offer)
);

-- Why a customer is not offered what there is: product -> the first rule that says no, of every product left out.
create table if not exists scores.customer_exclusion (
    as_of_date date not null,
    build_id bigint not null,
    model text not null,
    model_version text not null,
    customer_id text not null,
    excluded jsonb not null,
    is_champion boolean not null,
    mlflow_run_id text not null,
    primary key (as_of_date, build_id, model, model_version, customer_id)
);

create table if not exists scores.feedback_score (
    as_of_date date not null,
    build_id bigint not null,
    model text not null,
    model_version text not null,
    feedback_id text not null,
    customer_id text not null,
    score double precision not null constraint score_is_finite check (abs(score) < 'infinity'),
    band text not null,
    reasons jsonb,
    is_champion boolean not null,
    mlflow_run_id text not null,
    primary key (as_of_date, build_id, model, model_version, feedback_id)
);

grant select, insert, update on governance.load to loader;
grant select, insert, update, delete on governance.quarantine to loader;
grant select, insert on governance.quarantine_repair to loader;
grant select on governance.build, governance.publication, governance.load to scorer;
grant select, insert, delete on scores.customer_score, scores.customer_offer, scores.customer_exclusion,
scores.feedback_score to scorer;
alter default privileges in schema features grant select on tables to scorer;
-- What readers read is granted view by view, from the project's metadata (plugins/bankmart/governance/views.py).
alter default privileges in schema published revoke select on tables from bi_reader;
-- Nobody runs a function because it was made.
alter default privileges revoke execute on functions from public;

-- Whose customers a person sees in schema own: a branch's, or a manager's (`bankmart reader`).
create table if not exists governance.user_scope (
    user_name text not null,
    kind text not null check (kind in ('branch', 'manager')),
    scope_id text not null,
    granted_at timestamptz not null default clock_timestamp(),
    primary key (user_name, kind, scope_id)
);

-- Tags, measured: one row per build and tag, and one per value. Shares are of all customers.
create table if not exists governance.tag_monitor (
    build_id bigint not null references governance.build,
    business_date date not null,
    tag text not null,
    customer_count bigint not null,
    filled_count bigint not null,
    coverage_rate double precision,
    psi double precision,
    psi_date date,
    unmoved_days integer,
    refreshed_date date,
    user_count integer not null,
    users jsonb not null default '{}',
    verdict text not null check (verdict in ('pass', 'warn', 'stop', 'unjudged')),
    score double precision,
    reason text not null,
    primary key (build_id, tag)
);
create index if not exists tag_monitor_tag on governance.tag_monitor (tag, business_date);

create table if not exists governance.tag_mix (
    build_id bigint not null references governance.build,
    business_date date not null,
    tag text not null,
    value text not null,
    customer_count bigint not null,
    primary key (build_id, tag, value)
);

-- What a person has found out about an unusual date. Wrong data: the date is no measure for others. Right all the
-- same: it only warns. Subject: a tag, or `*` for all of them.
create table if not exists governance.incident (
    business_date date not null,
    subject text not null,
    confirmed_by text not null,
    reason text,
    is_right boolean not null default false,
    confirmed_at timestamptz not null default clock_timestamp(),
    primary key (business_date, subject)
);

-- The catalogue, as of the last publication.
create table if not exists governance.dictionary (
    name text not null,
    kind text not null check (kind in ('column', 'indicator', 'tag')),
    model text not null,
    zh text not null,
    en text not null,
    type text,
    unit text,
    class text not null,
    grade integer,
    owner text not null,
    subject text,
    windows integer[] not null default '{}',
    direction text,
    "values" jsonb,
    "default" text,
    status text,
    version integer,
    review_date date,
    refresh text,
    promised_time text,
    is_present boolean not null,
    absent_reason text,
    lineage jsonb not null,
    used_by jsonb not null,
    primary key (model, name)
);
alter table governance.dictionary
add column if not exists aggregate text,
add column if not exists measure text,
add column if not exists filter text,
add column if not exists tag_kind text check (tag_kind in ('rule', 'statistical', 'model')),
add column if not exists end_date date;
comment on table governance.dictionary is '数据字典. One row per published column, indicator and tag: what it means, what it is made of, who uses it.';
create table if not exists governance.dictionary_state (
    only_row boolean primary key default true check (only_row),
    fingerprint text not null,
    refreshed_at timestamptz not null default clock_timestamp()
);
-- From each column to those made of it, to the models that learn from it, to their scores and to who uses them.
create table if not exists governance.lineage (
    from_kind text not null,
    from_relation text not null,
    from_column text not null,
    to_kind text not null,
    to_relation text not null,
    to_column text not null,
    primary key (from_relation, from_column, to_relation, to_column)
);
create index if not exists lineage_back on governance.lineage (to_relation, to_column);
comment on table governance.lineage is '字段血缘. One row per step from a column to what is made of it. Column *: that its rows are there.';
create or replace view published.lineage with (security_barrier) as select * from governance.lineage;
comment on view published.lineage is '字段血缘. One row per step from a column to what is made of it. Column *: that its rows are there.';
comment on column published.lineage."from_kind" is '来源种类. The layer; ml for a model that learns.';
comment on column published.lineage."from_relation" is '来源表. The table, or ml.';
comment on column published.lineage."from_column" is '来源字段. The column, or the name of the model.';
comment on column published.lineage."to_kind" is '去向种类. The layer; ml for a model that learns; exposure for a use.';
comment on column published.lineage."to_relation" is '去向表. The table, ml or exposure.';
comment on column published.lineage."to_column" is '去向字段. The column, or the name of the model or use.';
create or replace function published.made_of(of_relation text, of_column text)
returns table (steps integer, kind text, relation text, "column" text) language sql stable as $$
    with recursive way (steps, kind, relation, name) as (
        select 1, from_kind, from_relation, from_column from published.lineage
        where to_relation = of_relation and to_column = of_column
        union
        select way.steps + 1, step.from_kind, step.from_relation, step.from_column
        from way join published.lineage as step on step.to_relation = way.relation and step.to_column = way.name
        where way.steps < 50
    )
    select min(way.steps), way.kind, way.relation, way.name from way group by 2, 3, 4 order by 1, 3, 4
$$;
comment on function published.made_of(text, text) is 'What a column is made of, nearest first.';
create or replace function published.makes(of_relation text, of_column text)
returns table (steps integer, kind text, relation text, "column" text) language sql stable as $$
    with recursive way (steps, kind, relation, name) as (
        select 1, to_kind, to_relation, to_column from published.lineage
        where from_relation = of_relation and from_column = of_column
        union
        select way.steps + 1, step.to_kind, step.to_relation, step.to_column
        from way join published.lineage as step on step.from_relation = way.relation and step.from_column = way.name
        where way.steps < 50
    )
    select min(way.steps), way.kind, way.relation, way.name from way group by 2, 3, 4 order by 1, 3, 4
$$;
comment on function published.makes(text, text) is 'What is made of a column, nearest first.';
revoke all on function published.made_of(text, text), published.makes(text, text) from public;
create or replace view published.dictionary with (security_barrier) as
select * from governance.dictionary where status is distinct from 'draft';
comment on view published.dictionary is '数据字典. One row per published column, indicator and tag: what it means, what it is made of, who uses it.';
comment on column published.dictionary."name" is '名称. The column, as it is written.';
comment on column published.dictionary."kind" is '种类. column, indicator or tag.';
comment on column published.dictionary."model" is '模型. The model, or view of schema published, that has it.';
comment on column published.dictionary."zh" is '中文名. Name in Chinese.';
comment on column published.dictionary."en" is '英文说明. What it means.';
comment on column published.dictionary."type" is '类型. Data type.';
comment on column published.dictionary."unit" is '单位. Unit of an indicator.';
comment on column published.dictionary."class" is '数据类别. Data class.';
comment on column published.dictionary."grade" is '数据级别. Grade of the class, 1 to 5 (JR/T 0197-2020).';
comment on column published.dictionary."owner" is '负责人. Who answers for it.';
comment on column published.dictionary."subject" is '主题. Subject.';
comment on column published.dictionary."windows" is '窗口. Window in days, where it has one.';
comment on column published.dictionary."direction" is '方向. Which way is good for the bank: up, down, none.';
comment on column published.dictionary."values" is '取值. Values of a tag.';
comment on column published.dictionary."default" is '缺省值. Default of a tag.';
comment on column published.dictionary."status" is '状态. draft, live, frozen or retired.';
comment on column published.dictionary."version" is '版本. Version of a tag.';
comment on column published.dictionary."review_date" is '复核日期. When a tag is reviewed next.';
comment on column published.dictionary."refresh" is '更新频率. How often it is made.';
comment on column published.dictionary."promised_time" is '承诺时间. Time of day by which it is promised.';
comment on column published.dictionary."is_present" is '是否可用. False where what it is made of has never been delivered.';
comment on column published.dictionary."absent_reason" is '缺失原因. Why it is absent.';
comment on column published.dictionary."lineage" is '血缘. Source columns that it is made of.';
comment on column published.dictionary."used_by" is '使用方. Models, exposures and specs that use it.';
comment on column published.dictionary."aggregate" is '聚合方式. How an indicator is made: sum, count, recency, share, trend and others.';
comment on column published.dictionary."measure" is '度量. What an indicator adds up, or the indicators that it is made of.';
comment on column published.dictionary."filter" is '筛选条件. Which rows an indicator counts; null for all of its subject.';
comment on column published.dictionary."tag_kind" is '标签类型. rule, statistical or model.';
comment on column published.dictionary."end_date" is '停用日期. Until when a frozen tag can be read.';

-- What people decided about customer numbers that are, or are not, one person (`bankmart identity`).
create table if not exists governance.identity_decision (
    decision_id bigint generated always as identity primary key,
    customer_id text not null,
    other_customer_id text,
    decision text not null check (decision in ('merge', 'split')),
    business_date date not null,
    reason text not null,
    decided_by text not null,
    decided_at timestamptz not null default clock_timestamp(),
    check ((decision = 'merge') = (other_customer_id is not null) and customer_id <> other_customer_id)
);

reset role;
