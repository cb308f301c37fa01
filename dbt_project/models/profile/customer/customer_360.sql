with churn as (
    select
        customer_id,
        score,
        band,
        model_version
    from {{ source('scores', 'customer_score') }}
    where
        build_id = {{ build_id() }}
        and as_of_date = {{ business_date() }}
        and model = 'churn'
        and is_champion
)

select
    customer.customer_id,
    customer.branch_id,
    customer.sex,
    customer.status,
    customer.open_date,
    feature.tenure_days,
    feature.account_count,
    feature.product_line_count,
    feature.aum_amount,
    feature.deposit_amount,
    feature.wealth_amount,
    feature.aum_average_amount_30d,
    feature.aum_average_amount_90d,
    feature.aum_change_rate_30d,
    feature.aum_change_rate_90d,
    feature.transaction_in_amount_30d,
    feature.transaction_in_amount_90d,
    feature.transaction_out_amount_30d,
    feature.transaction_out_amount_90d,
    feature.transaction_in_count_30d,
    feature.transaction_in_count_90d,
    feature.transaction_out_count_30d,
    feature.transaction_out_count_90d,
    feature.transfer_out_amount_30d,
    feature.transfer_out_amount_90d,
    feature.cash_out_amount_30d,
    feature.cash_out_amount_90d,
    feature.salary_in_amount_30d,
    feature.salary_in_amount_90d,
    feature.mobile_transaction_count_30d,
    feature.mobile_transaction_count_90d,
    feature.shopping_out_amount_30d,
    feature.shopping_out_amount_90d,
    feature.household_out_amount_30d,
    feature.household_out_amount_90d,
    feature.days_since_transaction,
    feature.days_since_salary,
    feature.card_payment_amount_30d,
    feature.card_payment_amount_90d,
    feature.card_payment_count_30d,
    feature.card_payment_count_90d,
    feature.session_count_7d,
    feature.session_count_30d,
    feature.session_count_90d,
    feature.session_seconds_30d,
    feature.session_seconds_90d,
    feature.days_since_session,
    feature.call_count_30d,
    feature.call_count_90d,
    feature.unresolved_call_count_30d,
    feature.unresolved_call_count_90d,
    feature.complaint_count_30d,
    feature.complaint_count_90d,
    value.aum_tier,
    value.value_trend,
    value.has_wealth,
    value.aum_decile,
    habit.has_salary,
    habit.cash_habit,
    habit.transaction_activity,
    habit.pays_household,
    habit.prefers_mobile,
    channel.mobile_activity,
    channel.card_activity,
    life.life_cycle,
    service.service_state,
    demographic.age_band,
    product.product_breadth,
    churn.score as churn_score,
    churn.band as churn_band,
    churn.model_version as churn_model_version,
    {{ build_columns() }}
from {{ current('ftr_customer') }} as feature
inner join {{ current('dim_customer_current') }} as customer on feature.customer_id = customer.customer_id
inner join {{ current('tag_value') }} as value on feature.customer_id = value.customer_id
inner join {{ current('tag_habit') }} as habit on feature.customer_id = habit.customer_id
inner join {{ current('tag_channel') }} as channel on feature.customer_id = channel.customer_id
inner join {{ current('tag_life_cycle') }} as life on feature.customer_id = life.customer_id
inner join {{ current('tag_service') }} as service on feature.customer_id = service.customer_id
inner join {{ current('tag_demographic') }} as demographic on feature.customer_id = demographic.customer_id
inner join {{ current('tag_product') }} as product on feature.customer_id = product.customer_id
left join churn on feature.customer_id = churn.customer_id
where feature.as_of_date = {{ business_date() }}
