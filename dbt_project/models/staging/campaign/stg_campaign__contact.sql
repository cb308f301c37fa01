select
    contact_id,
    campaign_id,
    customer_id,
    treatment,
    channel,
    contacted_at,
    propensity,
    nullif(trim(creative_id), '') as creative_id,
    business_date,
    load_id
from {{ source('campaign', 'contact') }}
