select
    complaint_id,
    customer_id,
    opened_at,
    topic,
    severity,
    closed_at,
    business_date,
    load_id
from {{ source('contact_centre', 'complaint') }}
