select
    opportunity_id,
    lead_id,
    customer_id,
    product_id,
    (opened_at at time zone '{{ var('timezone') }}')::date as opportunity_date,
    opened_at,
    stage,
    expected_amount,
    {{ build_columns() }}
from {{ ref('stg_campaign__opportunity') }}
where business_date = {{ business_date() }}
