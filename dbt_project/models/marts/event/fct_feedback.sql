select
    feedback_id,
    customer_id,
    (given_at at time zone '{{ var('timezone') }}')::date as feedback_date,
    given_at,
    channel,
    language,
    feedback_text,
    score,
    {{ build_columns() }}
from {{ ref('stg_contact_centre__feedback') }}
where business_date = {{ business_date() }}
