select
    response_id,
    contact_id,
    customer_id,
    occurred_at,
    response_type,
    business_date,
    load_id
from {{ source('campaign', 'response') }}
