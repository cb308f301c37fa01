with holding as (
    select * from {{ current('ind_holding') }} as holding_row
    where as_of_date = {{ business_date() }}
),

balance as (
    select * from {{ current('ind_balance') }} as balance_row
    where as_of_date = {{ business_date() }}
),

valued as (
    select
        holding.customer_id,
        coalesce(balance.aum_amount, 0) as aum_amount,
        coalesce(balance.wealth_amount, 0) as wealth_amount,
        balance.aum_change_rate_90d
    from holding
    left join balance on holding.customer_id = balance.customer_id
)

select
    customer_id,
    case
        when aum_amount < 1000 then 'none'
        when aum_amount < 50000 then 'basic'
        when aum_amount < 200000 then 'silver'
        when aum_amount < 1000000 then 'gold'
        else 'platinum'
    end as aum_tier,
    case
        when aum_change_rate_90d is null then 'unknown'
        when aum_change_rate_90d <= -0.2 then 'falling'
        when aum_change_rate_90d < 0.2 then 'stable'
        else 'rising'
    end as value_trend,
    wealth_amount > 0 as has_wealth,
    case when aum_amount > 0 then ntile(10) over (order by aum_amount, customer_id) end as aum_decile,
    {{ build_columns() }}
from valued
