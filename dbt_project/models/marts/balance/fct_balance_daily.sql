-- A date may be written by several builds: its changes add up, and the newest build's balance counts. A late balance
-- also restates the known dates behind it, with a change of nothing and the balance that they then have.
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

held as (
    select
        customer_id,
        asset_class,
        sum(balance_amount) as balance_amount,
        max(before_date) as before_date
    from {{ current('int_position_balance') }} as position
    group by customer_id, asset_class
),

said as (
    select
        customer_id,
        asset_class,
        balance_date,
        change_amount,
        change_amount as moved_amount
    from moved
    {% if built_before() %}

    union all

    select
        known.customer_id,
        known.asset_class,
        known.balance_date,
        known.change_amount,
        0 as moved_amount
    from (
        select
            moved.customer_id,
            moved.asset_class,
            min(moved.balance_date) as first_date
        from moved
        inner join held
            on
                moved.customer_id = held.customer_id
                and moved.asset_class = held.asset_class
        group by moved.customer_id, moved.asset_class
        having min(moved.balance_date) < max(held.before_date)
    ) as late
    -- Looked up by the primary key: history is not read.
    cross join
        lateral (
            select fact.*
            from {{ this }} as fact
            where
                fact.customer_id = late.customer_id
                and fact.asset_class = late.asset_class
                and fact.balance_date > late.first_date
                and fact.build_id = any({{ published_before() }})
            order by fact.balance_date
            offset 0
        ) as known
    {% endif %}
),

day as (
    select
        customer_id,
        asset_class,
        balance_date,
        sum(change_amount) as change_amount,
        sum(moved_amount) as moved_amount
    from said
    group by customer_id, asset_class, balance_date
),

stood as (
    select
        customer_id,
        asset_class,
        balance_date,
        moved_amount,
        sum(moved_amount) over (
            partition by customer_id, asset_class
            order by balance_date
        ) as restated_amount,
        sum(change_amount) over (
            partition by customer_id, asset_class
            order by balance_date desc
        ) - change_amount as later_amount
    from day
)

select
    stood.customer_id,
    stood.asset_class,
    stood.balance_date,
    stood.moved_amount::numeric(18, 2) as change_amount,
    (coalesce(held.balance_amount, 0) - stood.later_amount)::numeric(18, 2) as balance_amount,
    {{ build_columns() }}
from stood
left join held
    on
        stood.customer_id = held.customer_id
        and stood.asset_class = held.asset_class
where
    stood.moved_amount <> 0
    or stood.restated_amount <> 0
