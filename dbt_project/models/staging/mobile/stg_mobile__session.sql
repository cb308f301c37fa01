select
    session_id,
    customer_id,
    started_at,
    duration_seconds,
    nullif(trim(device_os), '') as device_os,
    business_date,
    load_id
from {{ source('mobile', 'session') }}
