-- What is held now is what was held before plus what moved: to the cent, per asset class. Where the state of the date
-- before is gone, what was held before is counted from the deliveries.
with published as (
    select
        asset_class,
        sum(balance_amount) as amount
    from {{ previous('fct_balance_current') }} as state_before
    group by asset_class
),

counted as (
    select
        before_asset_class as asset_class,
        sum(before_amount) as amount
    from {{ current('int_position_balance') }} as position
    where before_asset_class is not null
    group by before_asset_class
),

before as (
    select * from published
    union all
    select * from counted
    where not exists (select 1 from published)
),

moved as (
    select
        asset_class,
        sum(change_amount) as amount
    from {{ current('fct_balance_daily') }} as fact
    group by asset_class
),

held as (
    select
        asset_class,
        sum(balance_amount) as amount
    from {{ current('fct_balance_current') }} as state_now
    group by asset_class
),

class as (
    select asset_class from before
    union
    select asset_class from moved
    union
    select asset_class from held
)

select
    class.asset_class,
    coalesce(held.amount, 0) as held_amount,
    coalesce(before.amount, 0) as before_amount,
    coalesce(moved.amount, 0) as moved_amount
from class
left join held on class.asset_class = held.asset_class
left join before on class.asset_class = before.asset_class
left join moved on class.asset_class = moved.asset_class
where coalesce(held.amount, 0) <> coalesce(before.amount, 0) + coalesce(moved.amount, 0)
