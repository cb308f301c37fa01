select
    transaction_id,
    account_id,
    transaction_date,
    transaction_at,
    direction,
    amount,
    balance_amount,
    channel,
    purpose,
    nullif(trim(counterparty_bank), '') as counterparty_bank,
    nullif(trim(counterparty_account), '') as counterparty_account,
    business_date,
    load_id
from {{ source('core_banking', 'transaction') }}
