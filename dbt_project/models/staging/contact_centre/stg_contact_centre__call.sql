select
    call_id,
    customer_id,
    started_at,
    direction,
    reason,
    wait_seconds,
    talk_seconds,
    is_resolved,
    business_date,
    load_id
from {{ source('contact_centre', 'call') }}
