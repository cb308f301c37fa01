select
    card_id,
    account_id,
    customer_id,
    nullif(trim(card_number), '') as card_number,
    card_type,
    card_level,
    issued_date,
    credit_limit_amount,
    status,
    effective_date,
    business_date,
    load_id
from {{ source('card', 'card') }}
