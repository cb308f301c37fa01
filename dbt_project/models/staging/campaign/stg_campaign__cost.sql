select
    cost_id,
    campaign_id,
    channel,
    cost_date,
    amount,
    business_date,
    load_id
from {{ source('campaign', 'cost') }}
