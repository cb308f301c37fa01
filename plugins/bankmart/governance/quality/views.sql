-- Quality's scores, and what readers see of them. Idempotent: run at every start, by an administrator.
set role platform;

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

comment on column published.quality_score."business_date" is '业务日期. The published date.';
comment on column published.quality_score."table_name" is '表. The table: schema and name, or system and table of a delivery.';
comment on column published.quality_score."check_count" is '检查项数. How many checks were judged.';
comment on column published.quality_score."failed_count" is '未通过项数. How many did not pass.';
comment on column published.quality_score."score" is '评分. Of 100: the mean of the dimensions that were checked.';
comment on column published.quality_score."completeness" is '完整性. Score of what has to be there.';
comment on column published.quality_score."uniqueness" is '唯一性. Score of what may be there once.';
comment on column published.quality_score."validity" is '有效性. Score of types, values and ranges.';
comment on column published.quality_score."consistency" is '一致性. Score of references, and of what is usual.';
comment on column published.quality_score."timeliness" is '及时性. Score of dates and freshness.';
comment on column published.quality_score."accuracy" is '准确性. Score of sums that have to agree.';
comment on column published.quality_score."trend" is '趋势. Distance from the mean of the 30 days before.';
comment on column published.quality_result."business_date" is '业务日期. The published date.';
comment on column published.quality_result."table_name" is '表. The table that was checked.';
comment on column published.quality_result."column_name" is '字段. The column; empty for the whole table.';
comment on column published.quality_result."dimension" is '质量维度. One of the six dimensions.';
comment on column published.quality_result."rule" is '规则. What was checked.';
comment on column published.quality_result."severity" is '级别. stop or warn: what the rule may do.';
comment on column published.quality_result."verdict" is '结论. pass, warn, stop or unjudged.';
comment on column published.quality_result."checked_count" is '检查行数. Rows that were checked, where they are counted.';
comment on column published.quality_result."failed_count" is '未通过行数. Rows that did not pass.';
comment on column published.quality_result."score" is '评分. 0 to 1.';
comment on column published.reconciliation."business_date" is '业务日期. The published date.';
comment on column published.reconciliation."table_name" is '表. The delivered table.';
comment on column published.reconciliation."column_name" is '字段. The column that is summed.';
comment on column published.reconciliation."stated_amount" is '控制总额. The sum that the sender stated.';
comment on column published.reconciliation."loaded_amount" is '入库总额. The sum of the loaded rows.';
comment on column published.reconciliation."mart" is '集市表. The mart that holds each of the rows once.';
comment on column published.reconciliation."mart_amount" is '集市总额. The sum in the mart.';
comment on column published.reconciliation."quarantined_count" is '隔离记录数. Records in quarantine.';
comment on column published.reconciliation."verdict" is '结论. pass, warn or stop.';

reset role;
