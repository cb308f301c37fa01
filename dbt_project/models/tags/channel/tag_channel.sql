with person as (
    select
        holding.customer_id,
        session.session_count_30d,
        session.session_count_90d,
        session.days_since_session,
        card.card_payment_count_30d,
        card.card_payment_count_90d,
        booked.mobile_transaction_count_90d,
        booked.branch_transaction_count_90d,
        booked.web_transaction_count_90d,
        booked.atm_transaction_count_90d,
        booked.pos_transaction_count_90d + booked.card_channel_transaction_count_90d as card_transaction_count_90d,
        booked.transaction_in_count_90d + booked.transaction_out_count_90d as transaction_count_90d
    from {{ current('ind_holding') }} as holding
    inner join {{ current('ind_transaction') }} as booked
        on
            holding.customer_id = booked.customer_id
            and holding.as_of_date = booked.as_of_date
    inner join {{ current('ind_session') }} as session
        on
            holding.customer_id = session.customer_id
            and holding.as_of_date = session.as_of_date
    inner join {{ current('ind_card') }} as card
        on
            holding.customer_id = card.customer_id
            and holding.as_of_date = card.as_of_date
    where holding.as_of_date = {{ business_date() }}
),

compared as (
    select
        *,
        greatest(
            mobile_transaction_count_90d,
            branch_transaction_count_90d,
            web_transaction_count_90d,
            atm_transaction_count_90d,
            card_transaction_count_90d
        ) as most_count_90d,
        (mobile_transaction_count_90d > 0)::integer
        + (branch_transaction_count_90d > 0)::integer
        + (web_transaction_count_90d > 0)::integer
        + (atm_transaction_count_90d > 0)::integer
        + (card_transaction_count_90d > 0)::integer as channel_count_90d
    from person
)

select
    customer_id,
    case
        when not {{ delivered('mobile.session') }} then null
        when session_count_30d >= 8 then 'active'
        when session_count_30d > 0 then 'occasional'
        when days_since_session is not null then 'inactive'
        else 'never'
    end as mobile_activity,
    case
        when not {{ delivered('card.card_transaction') }} then null
        when card_payment_count_30d >= 10 then 'active'
        when card_payment_count_90d > 0 then 'occasional'
        else 'inactive'
    end as card_activity,
    case
        when most_count_90d = 0 then 'none'
        when mobile_transaction_count_90d = most_count_90d then 'mobile'
        when card_transaction_count_90d = most_count_90d then 'card'
        when web_transaction_count_90d = most_count_90d then 'web'
        when atm_transaction_count_90d = most_count_90d then 'atm'
        else 'branch'
    end as main_channel,
    case
        when channel_count_90d = 0 then 'none'
        when channel_count_90d = 1 then 'single'
        when channel_count_90d < 4 then 'several'
        else 'many'
    end as channel_breadth,
    case
        when branch_transaction_count_90d = 0 then 'none'
        when branch_transaction_count_90d < 3 then 'some'
        else 'often'
    end as branch_use,
    case
        when atm_transaction_count_90d = 0 then 'none'
        when atm_transaction_count_90d < 3 then 'some'
        else 'often'
    end as atm_use,
    case
        when web_transaction_count_90d = 0 then 'none'
        when web_transaction_count_90d < 3 then 'some'
        else 'often'
    end as web_use,
    case
        when not {{ delivered('mobile.session') }} then null
        when session_count_90d = 0 and mobile_transaction_count_90d = 0 then 'offline'
        when session_count_90d >= 12 and mobile_transaction_count_90d * 2 >= transaction_count_90d then 'digital'
        when session_count_90d >= 12 then 'hybrid'
        else 'light'
    end as digital_cluster,
    {{ build_columns() }}
from compared
