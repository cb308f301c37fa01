-- By how much each balance moved against what was known before. A balance that is older than the last known one of its
-- position, or that corrects a known one, moves its own day, and the next known day by as much the other way: later
-- balances stay what they were.
with position as (
    select * from {{ current('int_position_balance') }}
),

late as materialized (
    select position_id
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
        select distinct on (balance.position_id, balance.balance_date)
            balance.position_id,
            balance.balance_date,
            balance.balance_amount
        from late
        inner join {{ delivered_balances() }} as balance on late.position_id = balance.position_id
        where
            balance.business_date < {{ business_date() }}
            -- Asked once, before anything is read: on most dates no history is.
            and exists (select any_late.position_id from late as any_late)
        order by balance.position_id, balance.balance_date, balance.business_date desc
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
