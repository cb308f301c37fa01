select
    account_id,
    balance_date,
    balance_amount,
    business_date,
    load_id
from {{ source('core_banking', 'balance') }}
