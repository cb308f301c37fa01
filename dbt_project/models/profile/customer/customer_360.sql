{%- set indicators = [
    'tenure_days', 'account_count', 'product_line_count', 'aum_amount', 'deposit_amount', 'wealth_amount',
    'aum_average_amount_30d', 'aum_average_amount_90d', 'aum_change_rate_30d', 'aum_change_rate_90d',
    'transaction_in_amount_30d', 'transaction_in_amount_90d', 'transaction_out_amount_30d',
    'transaction_out_amount_90d', 'transaction_in_count_30d', 'transaction_in_count_90d',
    'transaction_out_count_30d', 'transaction_out_count_90d', 'transfer_out_amount_30d',
    'transfer_out_amount_90d', 'cash_out_amount_30d', 'cash_out_amount_90d', 'salary_in_amount_30d',
    'salary_in_amount_90d', 'mobile_transaction_count_30d', 'mobile_transaction_count_90d',
    'shopping_out_amount_30d', 'shopping_out_amount_90d', 'household_out_amount_30d', 'household_out_amount_90d',
    'days_since_transaction', 'days_since_salary', 'card_payment_amount_30d', 'card_payment_amount_90d',
    'card_payment_count_30d', 'card_payment_count_90d', 'session_count_7d', 'session_count_30d',
    'session_count_90d', 'session_seconds_30d', 'session_seconds_90d', 'days_since_session', 'call_count_30d',
    'call_count_90d', 'unresolved_call_count_30d', 'unresolved_call_count_90d', 'complaint_count_30d',
    'complaint_count_90d',
] -%}

{#- The tags of each model, in the order of their subjects. -#}
{%- set tags = {
    'tag_demographic': [
        'age_band', 'birth_decade', 'family_stage', 'occupation_group', 'is_retired', 'education_level',
        'income_band', 'income_quintile', 'is_staff_member', 'income_among_peers', 'place_kind',
        'district_salary_level',
    ],
    'tag_value': [
        'aum_tier', 'value_trend', 'value_trend_30d', 'value_quadrant', 'near_upper_tier', 'is_tier_at_risk',
        'value_against_average', 'has_wealth', 'asset_mix', 'cash_flow', 'inflow_tier', 'has_idle_deposits',
    ],
    'tag_value_rank': [
        'aum_decile', 'deposit_quintile', 'wealth_quintile', 'inflow_decile', 'outflow_decile', 'aum_among_peers',
        'outflow_among_peers', 'aum_decile_v2',
    ],
    'tag_product': [
        'product_breadth', 'has_savings', 'has_term_deposit', 'has_fund', 'has_insurance', 'has_credit_card',
        'has_loan', 'standing_orders', 'main_product_group', 'newest_product_line', 'term_deposit_share',
        'opened_account_lately', 'closed_account_lately',
    ],
    'tag_product_gap': [
        'lacks_credit_card', 'lacks_term_deposit', 'lacks_wealth', 'lacks_fund', 'lacks_insurance', 'lacks_loan',
        'lacks_standing_order', 'lacks_mobile_bank', 'first_gap',
    ],
    'tag_habit': [
        'has_salary', 'salary_band', 'salary_regularity', 'cash_habit', 'transaction_activity', 'pays_household',
        'prefers_mobile', 'transfer_habit', 'sends_money_away', 'pays_on_weekends', 'shopping_trend', 'payment_size',
        'pays_insurance',
    ],
    'tag_spending': [
        'card_spending_quintile', 'card_use_cluster', 'main_merchant_group', 'online_shopping', 'card_spending_trend',
        'pays_abroad', 'is_traveller', 'dines_out', 'is_driver', 'pays_for_education', 'buys_large_items',
        'shops_on_weekends',
    ],
    'tag_channel': [
        'mobile_activity', 'card_activity', 'main_channel', 'channel_breadth', 'branch_use', 'atm_use', 'web_use',
        'digital_cluster',
    ],
    'tag_channel_mobile': [
        'mobile_decile', 'mobile_trend', 'session_length', 'device_system', 'uses_app_on_weekends',
        'product_interest', 'has_strong_interest', 'applied_lately', 'searches_often',
    ],
    'tag_life_cycle': [
        'life_cycle', 'tenure_band', 'activity_trend', 'last_transaction', 'is_awakened', 'salary_went_away',
        'emptied_accounts', 'has_dormant_account', 'leaving_signals', 'onboarding_state',
    ],
    'tag_event_date': [
        'birthday_soon', 'milestone_birthday_soon', 'anniversary_soon', 'deposit_maturity', 'deposit_matured_lately',
        'loan_end', 'card_renewal_due', 'pay_day_today', 'salary_state',
    ],
    'tag_event_money': [
        'large_inflow', 'large_outflow', 'assets_halved', 'assets_doubled', 'cash_out_jump', 'salary_change',
        'redeemed_wealth_lately', 'bought_wealth_lately', 'got_card_lately', 'details_changed_lately',
    ],
    'tag_risk': [
        'risk_appetite', 'assessment_state', 'risk_taken', 'risk_mismatch', 'risk_headroom', 'suits_risky_products',
    ],
    'tag_risk_credit': [
        'loan_state', 'missed_instalments', 'debt_burden', 'loan_size', 'credit_limit_size', 'liquidity_cover',
        'pays_penalty_interest',
    ],
    'tag_response': [
        'responsiveness', 'answer_frequency', 'last_contact', 'is_contact_fatigued', 'was_in_control_group',
        'has_refused_offer', 'campaign_orders', 'lead_state', 'answers_among_contacted',
    ],
    'tag_contact': [
        'may_contact_by_sms', 'may_contact_by_call', 'may_contact_by_app_push', 'may_contact_by_email',
        'may_contact_by_manager', 'may_be_profiled', 'may_be_shared', 'marketing_consent', 'withdrew_lately',
    ],
    'tag_contact_load': [
        'contact_frequency', 'is_contact_capped', 'has_complaint_hold', 'has_refused_lately', 'do_not_disturb',
        'first_contact_channel', 'contact_data',
    ],
    'tag_service': [
        'service_state', 'call_frequency', 'asked_to_close', 'has_open_complaint', 'complains_repeatedly',
        'nps_group', 'satisfaction', 'feedback_mood', 'manager_visit', 'manager_care',
    ],
    'tag_model': [
        'churn_risk', 'churn_decile', 'churn_among_tier', 'churn_loss', 'retention_priority',
    ],
    'tag_model_offer': [
        'response_propensity', 'response_decile', 'contact_effect', 'next_product_line', 'offer_barrier',
    ],
    'tag_model_value': [
        'growth_chance', 'lifetime_value', 'lifetime_value_size', 'natural_group', 'unusual_activity',
        'feedback_feeling',
    ],
} -%}

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
    {%- for name in indicators %}
    feature.{{ name }},
    {%- endfor %}
    {%- for model, names in tags.items() %}
    {%- for name in names %}
    {{ model }}.{{ name }},
    {%- endfor %}
    {%- endfor %}
    churn.score as churn_score,
    churn.band as churn_band,
    churn.model_version as churn_model_version,
    {{ build_columns() }}
from {{ current('ftr_customer') }} as feature
inner join {{ current('dim_customer_current') }} as customer on feature.customer_id = customer.customer_id
{%- for model in tags %}
inner join {{ current(model) }} as {{ model }} on feature.customer_id = {{ model }}.customer_id
{%- endfor %}
left join churn on feature.customer_id = churn.customer_id
where feature.as_of_date = {{ business_date() }}
