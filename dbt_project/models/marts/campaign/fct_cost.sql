select
    cost_id,
    campaign_id,
    channel,
    cost_date,
    amount,
    {{ build_columns() }}
from {{ ref('stg_campaign__cost') }}
where business_date = {{ business_date() }}
