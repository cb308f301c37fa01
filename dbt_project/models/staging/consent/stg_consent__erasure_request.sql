select
    request_id,
    customer_id,
    requested_at,
    nullif(trim(reason), '') as reason,
    business_date,
    load_id
from {{ source('consent', 'erasure_request') }}
