select
    survey_id,
    customer_id,
    answered_at,
    survey_kind,
    score,
    business_date,
    load_id
from {{ source('contact_centre', 'survey') }}
