with moved as (
    select
        customer_id,
        asset_class,
        balance_date,
        sum(change_amount) as change_amount
    from {{ ref('int_balance_moved') }}
    group by customer_id, asset_class, balance_date
    having sum(change_amount) <> 0
),

before as (
    select
        customer_id,
        asset_class,
        sum(balance_amount) as balance_amount
    from {{ previous('int_position_balance') }} as state
    group by customer_id, asset_class
)

select
    moved.customer_id,
    moved.asset_class,
    moved.balance_date,
    moved.change_amount::numeric(18, 2) as change_amount,
    (
        coalesce(before.balance_amount, 0)
        + sum(moved.change_amount) over (
            partition by moved.customer_id, moved.asset_class
            order by moved.balance_date
        )
    )::numeric(18, 2) as balance_amount,
    {{ build_columns() }}
from moved
left join before
    on
        moved.customer_id = before.customer_id
        and moved.asset_class = before.asset_class
