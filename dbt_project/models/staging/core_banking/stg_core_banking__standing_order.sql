select
    standing_order_id,
    account_id,
    nullif(trim(counterparty_bank), '') as counterparty_bank,
    nullif(trim(counterparty_account), '') as counterparty_account,
    amount,
    purpose,
    effective_date,
    end_date,
    business_date,
    load_id
from {{ source('core_banking', 'standing_order') }}
