select
    consent_event_id,
    customer_id,
    (occurred_at at time zone '{{ var('timezone') }}')::date as event_date,
    occurred_at,
    purpose,
    channel,
    action,
    {{ build_columns() }}
from {{ ref('stg_consent__consent_event') }}
where business_date = {{ business_date() }}
