select
    feedback_id,
    customer_id,
    given_at,
    channel,
    language,
    feedback_text,
    score,
    business_date,
    load_id
from {{ source('contact_centre', 'feedback') }}
