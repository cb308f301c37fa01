with holding as (
    select * from {{ current('ind_holding') }} as holding_row
    where as_of_date = {{ business_date() }}
),

booked as (
    select * from {{ current('ind_transaction') }} as booked_row
    where as_of_date = {{ business_date() }}
),

balance as (
    select * from {{ current('ind_balance') }} as balance_row
    where as_of_date = {{ business_date() }}
),

lived as (
    select
        holding.customer_id,
        holding.tenure_days,
        coalesce(booked.days_since_transaction, 999) as days_since_transaction,
        coalesce(balance.aum_amount, 0) as aum_amount,
        coalesce(balance.aum_change_rate_90d, 0) as aum_change_rate_90d
    from holding
    left join booked on holding.customer_id = booked.customer_id
    left join balance on holding.customer_id = balance.customer_id
)

select
    customer_id,
    case
        when tenure_days < 90 then 'new'
        when days_since_transaction >= 180 and aum_amount < 100 then 'lost'
        when days_since_transaction >= 90 then 'dormant'
        when aum_change_rate_90d <= -0.3 then 'declining'
        when aum_change_rate_90d >= 0.3 then 'growing'
        else 'mature'
    end as life_cycle,
    {{ build_columns() }}
from lived
