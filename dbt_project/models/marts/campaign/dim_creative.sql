select
    creative_id,
    campaign_id,
    channel,
    title,
    creative_text,
    language,
    created_date,
    {{ build_columns() }}
from {{ latest_delivery('stg_campaign__creative') }} as creative
