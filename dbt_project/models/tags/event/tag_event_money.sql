-- What just happened with the customer's money and products.
select
    holding.customer_id,
    booked.transaction_in_amount_7d >= 20000
    and booked.transaction_in_amount_7d >= 0.25 * booked.transaction_in_amount_90d as large_inflow,
    booked.transaction_out_amount_7d >= 20000
    and booked.transaction_out_amount_7d >= 0.25 * booked.transaction_out_amount_90d as large_outflow,
    coalesce(balance.aum_change_rate_30d <= -0.5, false) as assets_halved,
    coalesce(balance.aum_change_rate_30d >= 1, false) as assets_doubled,
    booked.cash_out_amount_30d >= 3000
    and booked.cash_out_amount_30d >= 0.5 * booked.cash_out_amount_90d as cash_out_jump,
    case
        when booked.salary_in_amount_60d = 0 then 'none'
        when booked.salary_in_amount_30d = 0 then 'missing'
        when booked.salary_in_amount_60d = booked.salary_in_amount_30d then 'first'
        when booked.salary_in_amount_30d >= 0.55 * booked.salary_in_amount_60d then 'higher'
        when booked.salary_in_amount_30d <= 0.45 * booked.salary_in_amount_60d then 'lower'
        else 'same'
    end as salary_change,
    case when {{ delivered('wealth.wealth_order') }} then wealth.redeem_amount_30d >= 10000 end
        as redeemed_wealth_lately,
    case when {{ delivered('wealth.wealth_order') }} then wealth.subscribe_amount_30d >= 10000 end
        as bought_wealth_lately,
    case when {{ delivered('card.card') }} then coalesce(holding.days_since_card_issued < 90, false) end
        as got_card_lately,
    holding.tenure_days >= 90
    and customer.effective_date > {{ business_date() }} - 90 as details_changed_lately,
    {{ build_columns() }}
from {{ current('ind_holding') }} as holding
inner join {{ current('dim_customer_current') }} as customer on holding.customer_id = customer.customer_id
inner join {{ current('ind_balance') }} as balance
    on
        holding.customer_id = balance.customer_id
        and holding.as_of_date = balance.as_of_date
inner join {{ current('ind_transaction') }} as booked
    on
        holding.customer_id = booked.customer_id
        and holding.as_of_date = booked.as_of_date
inner join {{ current('ind_wealth') }} as wealth
    on
        holding.customer_id = wealth.customer_id
        and holding.as_of_date = wealth.as_of_date
where holding.as_of_date = {{ business_date() }}
