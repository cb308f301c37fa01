select
    contact_id,
    campaign_id,
    customer_id,
    (contacted_at at time zone '{{ var('timezone') }}')::date as contact_date,
    contacted_at,
    treatment,
    channel,
    creative_id,
    propensity,
    {{ build_columns() }}
from {{ ref('stg_campaign__contact') }}
where business_date = {{ business_date() }}
