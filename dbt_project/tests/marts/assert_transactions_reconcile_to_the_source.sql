-- Count and sum of the day's facts equal those of the day's file, to the cent.
with source_total as (
    select
        count(*) as row_count,
        coalesce(sum(amount), 0) as amount
    from {{ ref('stg_core_banking__transaction') }}
    where business_date = {{ business_date() }}
),

mart_total as (
    select
        count(*) as row_count,
        coalesce(sum(amount), 0) as amount
    from {{ current('fct_transaction') }} as fact
)

select
    source_total.row_count as source_count,
    mart_total.row_count as mart_count,
    source_total.amount as source_amount,
    mart_total.amount as mart_amount
from source_total
cross join mart_total
where
    source_total.row_count <> mart_total.row_count
    or source_total.amount <> mart_total.amount
