select
    lead_id,
    nullif(trim(campaign_id), '') as campaign_id,
    customer_id,
    nullif(trim(product_id), '') as product_id,
    nullif(trim(manager_id), '') as manager_id,
    created_at,
    business_date,
    load_id
from {{ source('campaign', 'lead') }}
