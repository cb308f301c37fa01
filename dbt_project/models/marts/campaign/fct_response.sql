select
    response.response_id,
    response.contact_id,
    response.customer_id,
    (response.occurred_at at time zone '{{ var('timezone') }}')::date as response_date,
    response.occurred_at,
    response.response_type,
    contact.campaign_id,
    contact.channel,
    {{ build_columns() }}
from {{ ref('stg_campaign__response') }} as response
-- Looked up by the primary key: history is not read.
left join lateral (
    select
        made.campaign_id,
        made.channel
    from {{ history('fct_contact') }} as made
    where made.contact_id = response.contact_id
    order by made.business_date desc
    limit 1
) as contact on true
where response.business_date = {{ business_date() }}
