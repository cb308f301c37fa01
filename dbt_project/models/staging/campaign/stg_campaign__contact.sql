select
    contact_id,
    campaign_id,
    customer_id,
    treatment,
    channel,
    contacted_at,
    propensity,
    business_date,
    load_id
from {{ source('campaign', 'contact') }}
