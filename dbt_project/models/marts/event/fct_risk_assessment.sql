select
    assessment_id,
    customer_id,
    assessed_date,
    risk_level,
    expires_date,
    {{ build_columns() }}
from {{ ref('stg_wealth__risk_assessment') }}
where business_date = {{ business_date() }}
