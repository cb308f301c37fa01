-- By how much each balance moved against what was known before. A balance that is older than the last known one of its
-- position, or that corrects a known one, moves its own day, and the next known day by as much the other way: later
-- balances stay what they were.
-- Late positions are looked up one by one, by the deliveries' keys: no history is read for the few that there are.
with position as not materialized (
    select * from {{ current('int_position_balance') }}
),

late as materialized (
    select
        position_id,
        customer_id
    from position
    where delivered_date <= before_date
),

known as (
    -- Of all others the last balance is enough.
    select
        position_id,
        before_date as balance_date,
        before_amount as balance_amount,
        before_amount as change_amount
    from position
    where delivered_date > before_date

    union all

    select
        position_id,
        balance_date,
        balance_amount,
        balance_amount - lag(balance_amount, 1, 0.00) over (
            partition by position_id
            order by balance_date
        ) as change_amount
    from (
        select distinct on (position_id, balance_date)
            position_id,
            balance_date,
            balance_amount
        from (
            select
                late.position_id,
                balance.balance_date,
                balance.balance_amount,
                balance.business_date
            from late
            cross join
                lateral (
                    select account.*
                    from {{ ref('stg_core_banking__balance') }} as account
                    where account.account_id = late.position_id and account.business_date < {{ business_date() }}
                    order by account.balance_date
                    offset 0
                ) as balance

            union all

            select
                late.position_id,
                held.position_date as balance_date,
                held.market_value_amount as balance_amount,
                held.business_date
            from late
            inner join {{ ref('stg_wealth__position') }} as held
                on
                    late.customer_id = held.customer_id
                    and late.position_id = held.customer_id || '/' || held.product_id
            where held.business_date < {{ business_date() }}
        ) as said_before
        order by position_id, balance_date, business_date desc
    ) as delivered_before
),

compared as (
    select
        coalesce(delivered.position_id, known.position_id) as position_id,
        coalesce(delivered.balance_date, known.balance_date) as balance_date,
        coalesce(delivered.balance_amount, known.balance_amount) as balance_amount,
        coalesce(known.change_amount, 0) as known_change_amount
    from (
        select *
        from {{ delivered_balances() }} as today
        where business_date = {{ business_date() }}
    ) as delivered
    full join known
        on
            delivered.position_id = known.position_id
            and delivered.balance_date = known.balance_date
),

moved as (
    select
        position_id,
        balance_date,
        balance_amount
        - lag(balance_amount, 1, 0.00) over (partition by position_id order by balance_date)
        - known_change_amount as change_amount
    from compared
)

select
    moved.position_id,
    position.customer_id,
    position.asset_class,
    moved.balance_date,
    moved.change_amount
from moved
inner join position on moved.position_id = position.position_id
where moved.change_amount <> 0

union all

-- A position that changed hands, or its class, leaves the one and comes to the other on this date.
select
    position_id,
    before_customer_id as customer_id,
    before_asset_class as asset_class,
    {{ business_date() }} as balance_date,
    -before_amount as change_amount
from position
where (before_customer_id, before_asset_class) <> (customer_id, asset_class)

union all

select
    position_id,
    customer_id,
    asset_class,
    {{ business_date() }} as balance_date,
    before_amount as change_amount
from position
where (before_customer_id, before_asset_class) <> (customer_id, asset_class)
