select
    event_id,
    session_id,
    customer_id,
    occurred_at,
    event_type,
    screen,
    nullif(trim(product_id), '') as product_id,
    business_date,
    load_id
from {{ source('mobile', 'event') }}
