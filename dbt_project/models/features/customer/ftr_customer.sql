select
    holding.as_of_date,
    holding.customer_id,
    holding.tenure_days,
    holding.account_count,
    holding.product_line_count,
    coalesce(balance.aum_amount, 0) as aum_amount,
    coalesce(balance.deposit_amount, 0) as deposit_amount,
    coalesce(balance.wealth_amount, 0) as wealth_amount,
    coalesce(balance.aum_average_amount_30d, 0) as aum_average_amount_30d,
    coalesce(balance.aum_average_amount_90d, 0) as aum_average_amount_90d,
    balance.aum_change_rate_30d,
    balance.aum_change_rate_90d,
    coalesce(booked.transaction_in_amount_30d, 0) as transaction_in_amount_30d,
    coalesce(booked.transaction_in_amount_90d, 0) as transaction_in_amount_90d,
    coalesce(booked.transaction_out_amount_30d, 0) as transaction_out_amount_30d,
    coalesce(booked.transaction_out_amount_90d, 0) as transaction_out_amount_90d,
    coalesce(booked.transaction_in_count_30d, 0) as transaction_in_count_30d,
    coalesce(booked.transaction_in_count_90d, 0) as transaction_in_count_90d,
    coalesce(booked.transaction_out_count_30d, 0) as transaction_out_count_30d,
    coalesce(booked.transaction_out_count_90d, 0) as transaction_out_count_90d,
    coalesce(booked.transfer_out_amount_30d, 0) as transfer_out_amount_30d,
    coalesce(booked.transfer_out_amount_90d, 0) as transfer_out_amount_90d,
    coalesce(booked.cash_out_amount_30d, 0) as cash_out_amount_30d,
    coalesce(booked.cash_out_amount_90d, 0) as cash_out_amount_90d,
    coalesce(booked.salary_in_amount_30d, 0) as salary_in_amount_30d,
    coalesce(booked.salary_in_amount_90d, 0) as salary_in_amount_90d,
    coalesce(booked.mobile_transaction_count_30d, 0) as mobile_transaction_count_30d,
    coalesce(booked.mobile_transaction_count_90d, 0) as mobile_transaction_count_90d,
    coalesce(booked.shopping_out_amount_30d, 0) as shopping_out_amount_30d,
    coalesce(booked.shopping_out_amount_90d, 0) as shopping_out_amount_90d,
    coalesce(booked.household_out_amount_30d, 0) as household_out_amount_30d,
    coalesce(booked.household_out_amount_90d, 0) as household_out_amount_90d,
    booked.days_since_transaction,
    booked.days_since_salary,
    {{ if_delivered('card.card_transaction', 'card.card_payment_amount_30d') }} as card_payment_amount_30d,
    {{ if_delivered('card.card_transaction', 'card.card_payment_amount_90d') }} as card_payment_amount_90d,
    {{ if_delivered('card.card_transaction', 'card.card_payment_count_30d') }} as card_payment_count_30d,
    {{ if_delivered('card.card_transaction', 'card.card_payment_count_90d') }} as card_payment_count_90d,
    {{ if_delivered('mobile.session', 'session.session_count_7d') }} as session_count_7d,
    {{ if_delivered('mobile.session', 'session.session_count_30d') }} as session_count_30d,
    {{ if_delivered('mobile.session', 'session.session_count_90d') }} as session_count_90d,
    {{ if_delivered('mobile.session', 'session.session_seconds_30d') }} as session_seconds_30d,
    {{ if_delivered('mobile.session', 'session.session_seconds_90d') }} as session_seconds_90d,
    session.days_since_session,
    {{ if_delivered('contact_centre.call', 'interaction.call_count_30d') }} as call_count_30d,
    {{ if_delivered('contact_centre.call', 'interaction.call_count_90d') }} as call_count_90d,
    {{ if_delivered('contact_centre.call', 'interaction.unresolved_call_count_30d') }} as unresolved_call_count_30d,
    {{ if_delivered('contact_centre.call', 'interaction.unresolved_call_count_90d') }} as unresolved_call_count_90d,
    {{ if_delivered('contact_centre.call', 'interaction.complaint_count_30d') }} as complaint_count_30d,
    {{ if_delivered('contact_centre.call', 'interaction.complaint_count_90d') }} as complaint_count_90d,
    {{ build_columns() }}
from {{ current('ind_holding') }} as holding
left join {{ current('ind_balance') }} as balance
    on
        holding.customer_id = balance.customer_id
        and holding.as_of_date = balance.as_of_date
left join {{ current('ind_transaction') }} as booked
    on
        holding.customer_id = booked.customer_id
        and holding.as_of_date = booked.as_of_date
left join {{ current('ind_card') }} as card
    on
        holding.customer_id = card.customer_id
        and holding.as_of_date = card.as_of_date
left join {{ current('ind_session') }} as session
    on
        holding.customer_id = session.customer_id
        and holding.as_of_date = session.as_of_date
left join {{ current('ind_interaction') }} as interaction
    on
        holding.customer_id = interaction.customer_id
        and holding.as_of_date = interaction.as_of_date
