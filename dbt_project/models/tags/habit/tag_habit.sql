with holding as (
    select * from {{ current('ind_holding') }} as holding_row
    where as_of_date = {{ business_date() }}
),

booked as (
    select * from {{ current('ind_transaction') }} as booked_row
    where as_of_date = {{ business_date() }}
)

select
    holding.customer_id,
    coalesce(booked.days_since_salary, 999) <= 45 as has_salary,
    case
        when coalesce(booked.transaction_out_amount_90d, 0) = 0 then 'none'
        when booked.cash_out_amount_90d >= 0.5 * booked.transaction_out_amount_90d then 'mostly_cash'
        when booked.cash_out_amount_90d > 0 then 'some_cash'
        else 'no_cash'
    end as cash_habit,
    case
        when coalesce(booked.transaction_in_count_30d + booked.transaction_out_count_30d, 0) = 0 then 'none'
        when booked.transaction_in_count_30d + booked.transaction_out_count_30d < 5 then 'low'
        when booked.transaction_in_count_30d + booked.transaction_out_count_30d < 20 then 'medium'
        else 'high'
    end as transaction_activity,
    coalesce(booked.household_out_amount_90d, 0) > 0 as pays_household,
    coalesce(
        booked.mobile_transaction_count_90d * 2 >= booked.transaction_in_count_90d + booked.transaction_out_count_90d
        and booked.mobile_transaction_count_90d > 0,
        false
    ) as prefers_mobile,
    {{ build_columns() }}
from holding
left join booked on holding.customer_id = booked.customer_id
