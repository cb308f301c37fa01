-- A balance delivered again for its last day corrects that day; one older than the last known changes nothing.
with delivered as (
    select * from {{ ref('int_position_delivered') }}
),

known as (
    select
        position_id,
        balance_date,
        balance_amount
    from {{ previous('int_position_balance') }} as state
)

select
    delivered.position_id,
    delivered.customer_id,
    delivered.asset_class,
    delivered.balance_date,
    delivered.balance_amount - coalesce(
        lag(delivered.balance_amount) over (
            partition by delivered.position_id
            order by delivered.balance_date
        ),
        known.balance_amount,
        0
    ) as change_amount
from delivered
left join known on delivered.position_id = known.position_id
where known.balance_date is null or delivered.balance_date >= known.balance_date
