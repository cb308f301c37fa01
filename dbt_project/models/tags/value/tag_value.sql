with valued as (
    select
        holding.customer_id,
        balance.aum_amount,
        balance.deposit_amount,
        balance.wealth_amount,
        balance.aum_average_amount_90d,
        balance.aum_change_rate_30d,
        balance.aum_change_rate_90d,
        booked.transaction_in_amount_90d,
        booked.transaction_out_amount_90d
    from {{ current('ind_holding') }} as holding
    inner join {{ current('ind_balance') }} as balance
        on holding.customer_id = balance.customer_id and holding.as_of_date = balance.as_of_date
    inner join {{ current('ind_transaction') }} as booked
        on holding.customer_id = booked.customer_id and holding.as_of_date = booked.as_of_date
    where holding.as_of_date = {{ business_date() }}
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
    case
        when aum_change_rate_30d is null then 'unknown'
        when aum_change_rate_30d <= -0.1 then 'falling'
        when aum_change_rate_30d < 0.1 then 'stable'
        else 'rising'
    end as value_trend_30d,
    case
        when aum_amount >= 50000 and aum_change_rate_90d >= 0 then 'star'
        when aum_amount >= 50000 then 'guard'
        when aum_change_rate_90d > 0 then 'grow'
        else 'serve'
    end as value_quadrant,
    case
        when aum_amount >= 800000 and aum_amount < 1000000 then 'platinum'
        when aum_amount >= 160000 and aum_amount < 200000 then 'gold'
        when aum_amount >= 40000 and aum_amount < 50000 then 'silver'
        else 'none'
    end as near_upper_tier,
    coalesce(
        aum_change_rate_30d < 0
        and (
            (aum_amount >= 50000 and aum_amount < 55000)
            or (aum_amount >= 200000 and aum_amount < 220000)
            or (aum_amount >= 1000000 and aum_amount < 1100000)
        ),
        false
    ) as is_tier_at_risk,
    case
        when aum_amount <= 0 then 'none'
        when aum_amount >= 1.2 * aum_average_amount_90d then 'above'
        when aum_amount <= 0.8 * aum_average_amount_90d then 'below'
        else 'usual'
    end as value_against_average,
    wealth_amount > 0 as has_wealth,
    case
        when aum_amount <= 0 then 'none'
        when wealth_amount <= 0 then 'deposits_only'
        when wealth_amount < 0.5 * aum_amount then 'mostly_deposits'
        else 'mostly_wealth'
    end as asset_mix,
    case
        when transaction_in_amount_90d + transaction_out_amount_90d = 0 then 'none'
        when transaction_in_amount_90d >= 1.2 * transaction_out_amount_90d then 'saver'
        when transaction_out_amount_90d >= 1.2 * transaction_in_amount_90d then 'spender'
        else 'balanced'
    end as cash_flow,
    case
        when transaction_in_amount_90d = 0 then 'none'
        when transaction_in_amount_90d < 9000 then 'low'
        when transaction_in_amount_90d < 30000 then 'middle'
        when transaction_in_amount_90d < 90000 then 'upper'
        else 'high'
    end as inflow_tier,
    deposit_amount >= 100000 and wealth_amount <= 0 as has_idle_deposits,
    {{ build_columns() }}
from valued
