with holding as (
    select * from {{ current('ind_holding') }} as holding_row
    where as_of_date = {{ business_date() }}
),

session as (
    select * from {{ current('ind_session') }} as session_row
    where as_of_date = {{ business_date() }}
),

card as (
    select * from {{ current('ind_card') }} as card_row
    where as_of_date = {{ business_date() }}
)

select
    holding.customer_id,
    case
        when not {{ delivered('mobile.session') }} then null
        when session.session_count_30d >= 8 then 'active'
        when session.session_count_30d > 0 then 'occasional'
        when session.days_since_session is not null then 'inactive'
        else 'never'
    end as mobile_activity,
    case
        when not {{ delivered('card.card_transaction') }} then null
        when card.card_payment_count_30d >= 10 then 'active'
        when card.card_payment_count_90d > 0 then 'occasional'
        else 'inactive'
    end as card_activity,
    {{ build_columns() }}
from holding
left join session on holding.customer_id = session.customer_id
left join card on holding.customer_id = card.customer_id
