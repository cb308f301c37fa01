select
    indicator_code,
    period_date,
    indicator_value,
    business_date,
    load_id
from {{ source('external', 'macro_indicator') }}
