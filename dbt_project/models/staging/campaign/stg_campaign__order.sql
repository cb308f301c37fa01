select
    order_id,
    nullif(trim(opportunity_id), '') as opportunity_id,
    nullif(trim(campaign_id), '') as campaign_id,
    customer_id,
    product_id,
    ordered_at,
    amount,
    margin_amount,
    business_date,
    load_id
from {{ source('campaign', 'order') }}
