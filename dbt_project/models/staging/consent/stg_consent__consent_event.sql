select
    consent_event_id,
    customer_id,
    purpose,
    channel,
    action,
    occurred_at,
    business_date,
    load_id
from {{ source('consent', 'consent_event') }}
