-- What is held now is what was held before plus what moved: to the cent, per asset class.
with before as (
    select
        asset_class,
        sum(balance_amount) as amount
    from {{ previous('fct_balance_current') }} as state
    group by asset_class
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
    from {{ current('fct_balance_current') }} as state
    group by asset_class
)

select
    held.asset_class,
    held.amount as held_amount,
    coalesce(before.amount, 0) as before_amount,
    coalesce(moved.amount, 0) as moved_amount
from held
left join before on held.asset_class = before.asset_class
left join moved on held.asset_class = moved.asset_class
where held.amount <> coalesce(before.amount, 0) + coalesce(moved.amount, 0)
