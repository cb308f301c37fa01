select
    booked.transaction_id,
    booked.account_id,
    account.customer_id,
    booked.transaction_date,
    booked.transaction_at,
    booked.direction,
    booked.amount,
    booked.channel,
    booked.purpose,
    booked.counterparty_bank,
    {{ build_columns() }}
from {{ ref('stg_core_banking__transaction') }} as booked
inner join {{ current('int_account') }} as account on booked.account_id = account.account_id
where booked.business_date = {{ business_date() }}
