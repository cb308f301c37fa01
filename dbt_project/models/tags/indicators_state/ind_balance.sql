-- Balances of a past day are today's balances less what moved since: one pass over the days in question.
with as_of as (
    select * from {{ as_of_dates() }}
),

held as (
    select
        customer_id,
        sum(balance_amount) filter (where asset_class = 'deposit') as deposit_amount,
        sum(balance_amount) filter (where asset_class = 'wealth') as wealth_amount
    from {{ state('fct_balance_current') }} as balance
    group by customer_id
),

moved as (
    select
        as_of.as_of_date,
        balance.customer_id,
        sum(balance.change_amount) filter (
            where balance.balance_date > as_of.as_of_date and balance.asset_class = 'deposit'
        ) as deposit_since,
        sum(balance.change_amount) filter (
            where balance.balance_date > as_of.as_of_date and balance.asset_class = 'wealth'
        ) as wealth_since,
        {%- for window in [30, 90] %}
        sum(balance.change_amount) filter (
            where balance.balance_date <= as_of.as_of_date and balance.balance_date > as_of.as_of_date - {{ window }}
        ) as moved_{{ window }}d,
        sum(balance.change_amount * (balance.balance_date - (as_of.as_of_date - {{ window - 1 }}))) filter (
            where balance.balance_date <= as_of.as_of_date and balance.balance_date > as_of.as_of_date - {{ window }}
        ) / {{ window }}.0 as missed_{{ window }}d,
        {%- endfor %}
        count(*) as move_count
    from as_of
    inner join {{ history('fct_balance_daily') }} as balance on balance.balance_date > as_of.as_of_date - 90
    group by as_of.as_of_date, balance.customer_id
),

stood as (
    select
        as_of.as_of_date,
        held.customer_id,
        {%- for window in [30, 90] %}
        coalesce(moved.moved_{{ window }}d, 0) as moved_{{ window }}d,
        coalesce(moved.missed_{{ window }}d, 0) as missed_{{ window }}d,
        {%- endfor %}
        coalesce(held.deposit_amount, 0) - coalesce(moved.deposit_since, 0) as deposit_amount,
        coalesce(held.wealth_amount, 0) - coalesce(moved.wealth_since, 0) as wealth_amount
    from as_of
    cross join held
    left join moved
        on
            as_of.as_of_date = moved.as_of_date
            and held.customer_id = moved.customer_id
)

select
    as_of_date,
    customer_id,
    (deposit_amount + wealth_amount)::double precision as aum_amount,
    deposit_amount::double precision as deposit_amount,
    wealth_amount::double precision as wealth_amount,
    {%- for window in [30, 90] %}
    (deposit_amount + wealth_amount - missed_{{ window }}d)::double precision as aum_average_amount_{{ window }}d,
    (moved_{{ window }}d / nullif(abs(deposit_amount + wealth_amount - moved_{{ window }}d), 0))::double precision
        as aum_change_rate_{{ window }}d,
    {%- endfor %}
    {{ build_columns() }}
from stood
