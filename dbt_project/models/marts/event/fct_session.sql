select
    session_id,
    customer_id,
    (started_at at time zone '{{ var('timezone') }}')::date as session_date,
    started_at,
    duration_seconds,
    device_os,
    {{ build_columns() }}
from {{ ref('stg_mobile__session') }}
where business_date = {{ business_date() }}
