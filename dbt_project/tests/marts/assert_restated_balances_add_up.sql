-- Of customers with late or corrected balances, all changes ever written make up what is held; and the newest build's
-- balance of a date is what the changes up to that date make up.
with late as (
    select distinct
        customer_id,
        asset_class
    from {{ current('int_position_balance') }} as position
    where delivered_date <= before_date
),

held as (
    select
        position.customer_id,
        position.asset_class,
        sum(position.balance_amount) as held_amount
    from {{ current('int_position_balance') }} as position
    inner join late
        on
            position.customer_id = late.customer_id
            and position.asset_class = late.asset_class
    group by position.customer_id, position.asset_class
),

written as (
    select fact.*
    from late
    -- Looked up by the primary key: history is not read.
    cross join lateral (
        select balance.*
        from {{ ref('fct_balance_daily') }} as balance
        where
            balance.customer_id = late.customer_id
            and balance.asset_class = late.asset_class
            and (balance.build_id = {{ build_id() }} or balance.build_id = any({{ published_before() }}))
        order by balance.balance_date
        offset 0
    ) as fact
),

day as (
    select
        customer_id,
        asset_class,
        balance_date,
        sum(sum(change_amount)) over (
            partition by customer_id, asset_class
            order by balance_date
        ) as added_amount,
        (array_agg(balance_amount order by business_date desc))[1] as balance_amount
    from written
    group by customer_id, asset_class, balance_date
)

select
    day.customer_id,
    day.asset_class,
    day.balance_date,
    day.added_amount,
    day.balance_amount
from day
where day.added_amount <> day.balance_amount

union all

select
    held.customer_id,
    held.asset_class,
    null as balance_date,
    sum(written.change_amount) as added_amount,
    held.held_amount as balance_amount
from held
left join written
    on
        held.customer_id = written.customer_id
        and held.asset_class = written.asset_class
group by held.customer_id, held.asset_class, held.held_amount
having coalesce(sum(written.change_amount), 0) <> held.held_amount
