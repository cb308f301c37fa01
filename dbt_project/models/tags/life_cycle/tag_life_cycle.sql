with person as (
    select
        holding.customer_id,
        holding.tenure_days,
        holding.dormant_account_count,
        balance.aum_amount,
        balance.aum_average_amount_90d,
        coalesce(balance.aum_change_rate_90d, 0) as aum_change_rate_90d,
        booked.days_since_transaction,
        booked.days_since_salary,
        booked.transaction_in_count_30d + booked.transaction_out_count_30d as transaction_count_30d,
        booked.transaction_in_count_90d + booked.transaction_out_count_90d as transaction_count_90d,
        booked.transaction_in_count_180d + booked.transaction_out_count_180d as transaction_count_180d,
        session.session_count_90d,
        session.session_count_180d,
        interaction.complaint_count_90d
    from {{ current('ind_holding') }} as holding
    inner join {{ current('ind_balance') }} as balance
        on
            holding.customer_id = balance.customer_id
            and holding.as_of_date = balance.as_of_date
    inner join {{ current('ind_transaction') }} as booked
        on
            holding.customer_id = booked.customer_id
            and holding.as_of_date = booked.as_of_date
    inner join {{ current('ind_session') }} as session
        on
            holding.customer_id = session.customer_id
            and holding.as_of_date = session.as_of_date
    inner join {{ current('ind_interaction') }} as interaction
        on
            holding.customer_id = interaction.customer_id
            and holding.as_of_date = interaction.as_of_date
    where holding.as_of_date = {{ business_date() }}
),

alarmed as (
    select
        *,
        (aum_change_rate_90d <= -0.3)::integer
        + (transaction_count_90d * 3 < transaction_count_180d)::integer
        + coalesce(days_since_salary between 46 and 180, false)::integer
        + coalesce(session_count_90d * 3 < session_count_180d, false)::integer
        + coalesce(complaint_count_90d > 0, false)::integer as alarm_count
    from person
)

select
    customer_id,
    case
        when tenure_days < 90 then 'new'
        when coalesce(days_since_transaction >= 180, true) and aum_amount < 100 then 'lost'
        when coalesce(days_since_transaction >= 90, true) then 'dormant'
        when aum_change_rate_90d <= -0.3 then 'declining'
        when aum_change_rate_90d >= 0.3 then 'growing'
        else 'mature'
    end as life_cycle,
    case
        when tenure_days < 90 then 'below_90d'
        when tenure_days < 365 then 'below_1y'
        when tenure_days < 1095 then 'below_3y'
        when tenure_days < 2555 then 'below_7y'
        else 'from_7y'
    end as tenure_band,
    case
        when transaction_count_180d = 0 then 'none'
        when transaction_count_90d <= 0.4 * transaction_count_180d then 'falling'
        when transaction_count_90d < 0.6 * transaction_count_180d then 'stable'
        else 'rising'
    end as activity_trend,
    case
        when days_since_transaction is null then 'none'
        when days_since_transaction < 7 then 'within_7d'
        when days_since_transaction < 30 then 'within_30d'
        when days_since_transaction < 90 then 'within_90d'
        else 'within_180d'
    end as last_transaction,
    tenure_days >= 180
    and transaction_count_30d > 0
    and transaction_count_90d = transaction_count_30d as is_awakened,
    coalesce(days_since_salary between 46 and 180, false) as salary_went_away,
    aum_average_amount_90d >= 1000 and aum_amount < 0.2 * aum_average_amount_90d as emptied_accounts,
    dormant_account_count > 0 as has_dormant_account,
    case
        when alarm_count = 0 then 'none'
        when alarm_count = 1 then 'one'
        else 'several'
    end as leaving_signals,
    case
        when tenure_days >= 180 then 'settled'
        when transaction_count_180d = 0 then 'idle'
        when coalesce(session_count_180d, 0) = 0 then 'started'
        else 'digital'
    end as onboarding_state,
    {{ build_columns() }}
from alarmed
