select
    indicator_code,
    period_date,
    indicator_value,
    {{ build_columns() }}
from {{ ref('stg_external__macro_indicator') }}
where business_date = {{ business_date() }}
