select
    lead_id,
    campaign_id,
    customer_id,
    product_id,
    manager_id,
    (created_at at time zone '{{ var('timezone') }}')::date as lead_date,
    created_at,
    {{ build_columns() }}
from {{ ref('stg_campaign__lead') }}
where business_date = {{ business_date() }}
