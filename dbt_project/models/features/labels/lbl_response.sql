-- What was known before the contact: features are of the newest as-of date before it, at most a month old. Whoever was
-- drawn into a control group was not contacted. Only contacts whose answer had its time: a label never guesses.
with contacted as (
    select distinct on (contact.contact_id)
        as_of.as_of_date,
        coalesce(link.linked_customer_id, contact.customer_id) as customer_id,
        contact.contact_id,
        contact.contact_date,
        campaign.campaign_id,
        campaign.product_id,
        campaign.product_line,
        contact.treatment,
        contact.channel
    from {{ as_of_dates() }}
    inner join {{ history('fct_contact') }} as contact
        on
            as_of.as_of_date < contact.contact_date
            and as_of.as_of_date + 31 >= contact.contact_date
    inner join {{ state('dim_campaign') }} as campaign on contact.campaign_id = campaign.campaign_id
    left join {{ state('bridge_identity') }} as link on contact.customer_id = link.customer_id
    where
        contact.treatment <> 'control'
        and contact.contact_date + {{ var('response_horizon_days') | int }} <= {{ business_date() }}
        and as_of.as_of_date + 31 + {{ var('response_horizon_days') | int }} <= {{ business_date() }}
    order by contact.contact_id, as_of.as_of_date desc
),

bought as (
    select
        contact_id,
        min(response_date) as bought_date
    from {{ history('fct_response') }} as response
    where response_type = 'bought'
    group by contact_id
)

select
    contacted.*,
    coalesce(
        bought.bought_date <= contacted.contact_date + {{ var('response_horizon_days') | int }}, false
    ) as is_response,
    {{ build_columns() }}
from contacted
left join bought on contacted.contact_id = bought.contact_id
