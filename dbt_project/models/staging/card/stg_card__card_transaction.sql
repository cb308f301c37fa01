select
    card_transaction_id,
    card_id,
    transaction_date,
    transaction_at,
    amount,
    merchant_category_code,
    nullif(trim(merchant_name), '') as merchant_name,
    is_online,
    is_abroad,
    business_date,
    load_id
from {{ source('card', 'card_transaction') }}
