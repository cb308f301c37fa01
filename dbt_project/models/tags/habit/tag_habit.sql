select
    holding.customer_id,
    coalesce(booked.days_since_salary <= 45, false) as has_salary,
    case
        when booked.salary_in_amount_90d = 0 then 'none'
        when booked.salary_in_amount_90d < 15000 then 'low'
        when booked.salary_in_amount_90d < 30000 then 'middle'
        when booked.salary_in_amount_90d < 60000 then 'upper'
        else 'high'
    end as salary_band,
    case
        when booked.salary_in_amount_90d = 0 then 'none'
        when
            booked.salary_in_amount_30d > 0
            and booked.salary_in_amount_60d > booked.salary_in_amount_30d
            and booked.salary_in_amount_90d > booked.salary_in_amount_60d
            then 'every_month'
        else 'some_months'
    end as salary_regularity,
    case
        when booked.transaction_out_amount_90d = 0 then 'none'
        when booked.cash_out_amount_90d >= 0.5 * booked.transaction_out_amount_90d then 'mostly_cash'
        when booked.cash_out_amount_90d > 0 then 'some_cash'
        else 'no_cash'
    end as cash_habit,
    case
        when booked.transaction_in_count_30d + booked.transaction_out_count_30d = 0 then 'none'
        when booked.transaction_in_count_30d + booked.transaction_out_count_30d < 5 then 'low'
        when booked.transaction_in_count_30d + booked.transaction_out_count_30d < 20 then 'medium'
        else 'high'
    end as transaction_activity,
    booked.household_out_amount_90d > 0 as pays_household,
    booked.mobile_transaction_count_90d > 0
    and booked.mobile_transaction_count_90d * 2
    >= booked.transaction_in_count_90d + booked.transaction_out_count_90d as prefers_mobile,
    case
        when booked.transfer_out_amount_90d = 0 then 'none'
        when booked.transfer_out_amount_90d < 0.5 * booked.transaction_out_amount_90d then 'some'
        else 'mostly'
    end as transfer_habit,
    booked.external_out_amount_90d >= 0.3 * booked.transaction_in_amount_90d
    and booked.external_out_amount_90d >= 3000 as sends_money_away,
    booked.weekend_out_count_90d > 0
    and booked.weekend_out_count_90d >= 0.35 * booked.transaction_out_count_90d as pays_on_weekends,
    case
        when booked.shopping_out_amount_60d = 0 then 'none'
        when booked.shopping_out_amount_30d <= 0.4 * booked.shopping_out_amount_60d then 'falling'
        when booked.shopping_out_amount_30d < 0.6 * booked.shopping_out_amount_60d then 'stable'
        else 'rising'
    end as shopping_trend,
    case
        when booked.transaction_out_count_90d = 0 then 'none'
        when booked.transaction_out_amount_90d < 200 * booked.transaction_out_count_90d then 'small'
        when booked.transaction_out_amount_90d < 1000 * booked.transaction_out_count_90d then 'middle'
        else 'large'
    end as payment_size,
    booked.insurance_out_amount_365d > 0 as pays_insurance,
    {{ build_columns() }}
from {{ current('ind_holding') }} as holding
inner join {{ current('ind_transaction') }} as booked
    on
        holding.customer_id = booked.customer_id
        and holding.as_of_date = booked.as_of_date
where holding.as_of_date = {{ business_date() }}
