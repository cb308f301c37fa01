select
    assessment_id,
    customer_id,
    assessed_date,
    risk_level,
    expires_date,
    business_date,
    load_id
from {{ source('wealth', 'risk_assessment') }}
