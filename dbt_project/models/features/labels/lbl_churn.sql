-- Only as-of dates whose horizon lies wholly before the business date: a label never guesses.
with as_of as (
    select as_of.as_of_date
    from {{ as_of_dates() }}
    where as_of.as_of_date <= {{ business_date() }} - {{ var('churn_horizon_days') | int }}
),

held as (
    select
        as_of_date,
        customer_id,
        aum_amount
    from {{ current('ind_balance') }} as balance
    where aum_amount >= {{ var('churn_minimum_aum_amount') | float }}
),

moved as (
    select
        as_of.as_of_date,
        balance.customer_id,
        sum(balance.change_amount) as moved_amount
    from as_of
    inner join {{ history('fct_balance_daily') }} as balance
        on
            as_of.as_of_date < balance.balance_date
            and balance.balance_date <= as_of.as_of_date + {{ var('churn_horizon_days') | int }}
    group by as_of.as_of_date, balance.customer_id
)

select
    held.as_of_date,
    held.customer_id,
    held.aum_amount,
    held.aum_amount + coalesce(moved.moved_amount, 0)::double precision as later_aum_amount,
    held.aum_amount + coalesce(moved.moved_amount, 0)::double precision <= held.aum_amount / 2 as is_churn,
    {{ build_columns() }}
from held
inner join as_of on held.as_of_date = as_of.as_of_date
left join moved
    on
        held.as_of_date = moved.as_of_date
        and held.customer_id = moved.customer_id
