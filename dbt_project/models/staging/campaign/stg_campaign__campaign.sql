select
    campaign_id,
    name,
    nullif(trim(product_id), '') as product_id,
    start_date,
    end_date,
    is_randomised,
    business_date,
    load_id
from {{ source('campaign', 'campaign') }}
