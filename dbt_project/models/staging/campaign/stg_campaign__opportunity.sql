select
    opportunity_id,
    nullif(trim(lead_id), '') as lead_id,
    customer_id,
    nullif(trim(product_id), '') as product_id,
    opened_at,
    stage,
    expected_amount,
    business_date,
    load_id
from {{ source('campaign', 'opportunity') }}
