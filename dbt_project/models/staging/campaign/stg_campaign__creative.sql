select
    creative_id,
    campaign_id,
    channel,
    title,
    creative_text,
    language,
    created_date,
    business_date,
    load_id
from {{ source('campaign', 'creative') }}
