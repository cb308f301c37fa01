-- How the app is used; null where the mobile bank never delivered.
with person as (
    select
        session.*,
        event.view_term_deposit_count_90d,
        event.view_wealth_count_90d,
        event.view_fund_count_90d,
        event.view_loan_count_90d,
        event.view_credit_card_count_90d,
        event.view_insurance_count_90d,
        event.application_count_30d,
        event.search_count_90d,
        greatest(
            event.view_term_deposit_count_90d,
            event.view_wealth_count_90d,
            event.view_fund_count_90d,
            event.view_loan_count_90d,
            event.view_credit_card_count_90d,
            event.view_insurance_count_90d
        ) as most_view_count_90d,
        greatest(
            session.ios_session_count_90d, session.android_session_count_90d, session.harmonyos_session_count_90d
        ) as most_session_count_90d
    from {{ current('ind_session') }} as session
    inner join {{ current('ind_app_event') }} as event
        on
            session.customer_id = event.customer_id
            and session.as_of_date = event.as_of_date
    where session.as_of_date = {{ business_date() }}
)

select
    customer_id,
    case
        when {{ delivered('mobile.session') }} and session_count_90d > 0
            then
                ntile(10) over (
                    partition by session_count_90d > 0 order by session_count_90d, customer_id
                )::smallint
    end as mobile_decile,
    case
        when not {{ delivered('mobile.session') }} then null
        when session_count_60d = 0 then 'none'
        when session_count_30d <= 0.4 * session_count_60d then 'falling'
        when session_count_30d < 0.6 * session_count_60d then 'stable'
        else 'rising'
    end as mobile_trend,
    case
        when not {{ delivered('mobile.session') }} then null
        when session_count_90d = 0 then 'none'
        when session_seconds_90d < 90 * session_count_90d then 'short'
        when session_seconds_90d < 150 * session_count_90d then 'middle'
        else 'long'
    end as session_length,
    case
        when not {{ delivered('mobile.session') }} then null
        when most_session_count_90d = 0 then 'none'
        when ios_session_count_90d = most_session_count_90d then 'ios'
        when android_session_count_90d = most_session_count_90d then 'android'
        else 'harmonyos'
    end as device_system,
    case
        when {{ delivered('mobile.session') }}
            then weekend_session_count_90d > 0 and weekend_session_count_90d >= 0.4 * session_count_90d
    end as uses_app_on_weekends,
    case
        when not {{ delivered('mobile.event') }} then null
        when most_view_count_90d = 0 then 'none'
        {%- for line in ['wealth', 'fund', 'term_deposit', 'insurance', 'loan', 'credit_card'] %}
        when view_{{ line }}_count_90d = most_view_count_90d then '{{ line }}'
        {%- endfor %}
    end as product_interest,
    case when {{ delivered('mobile.event') }} then most_view_count_90d >= 3 end as has_strong_interest,
    case when {{ delivered('mobile.event') }} then application_count_30d > 0 end as applied_lately,
    case when {{ delivered('mobile.event') }} then search_count_90d >= 3 end as searches_often,
    {{ build_columns() }}
from person
