-- Of a person that a campaign counts twice, the first contact. Only contacts whose horizon lies wholly before the
-- business date: an outcome never guesses.
with link as (
    select
        customer_id,
        linked_customer_id
    from {{ state('bridge_identity') }} as bridge
),

campaign as (
    select
        campaign_id,
        product_id,
        product_line,
        is_randomised
    from {{ state('dim_campaign') }} as known
),

contact as (
    select distinct on (made.campaign_id, coalesce(link.linked_customer_id, made.customer_id))
        as_of.as_of_date,
        made.contact_id,
        coalesce(link.linked_customer_id, made.customer_id) as customer_id,
        made.campaign_id,
        made.contact_date,
        made.treatment,
        made.channel,
        made.propensity
    from {{ as_of_dates() }}
    inner join {{ history('fct_contact') }} as made
        on
            as_of.as_of_date < made.contact_date
            and made.contact_date <= as_of.as_of_date + {{ var('uplift_feature_age_days') | int }}
    left join link on made.customer_id = link.customer_id
    where made.contact_date <= {{ business_date() }} - {{ var('uplift_horizon_days') | int }}
    order by
        made.campaign_id,
        coalesce(link.linked_customer_id, made.customer_id),
        made.contacted_at,
        made.contact_id,
        as_of.as_of_date desc
),

ordered as (
    select
        coalesce(link.linked_customer_id, sold.customer_id) as customer_id,
        sold.campaign_id,
        sold.product_id,
        sold.order_date,
        sold.margin_amount
    from {{ history('fct_order') }} as sold
    left join link on sold.customer_id = link.customer_id
),

bought as (
    select
        contact.contact_id,
        sum(ordered.margin_amount) as margin_amount
    from contact
    inner join campaign on contact.campaign_id = campaign.campaign_id
    inner join ordered
        on
            contact.customer_id = ordered.customer_id
            and (contact.campaign_id = ordered.campaign_id or campaign.product_id = ordered.product_id)
            and contact.contact_date <= ordered.order_date
            and ordered.order_date <= contact.contact_date + {{ var('uplift_horizon_days') | int }}
    group by contact.contact_id
),

answered as (
    select distinct answer.contact_id
    from {{ history('fct_response') }} as answer
    inner join contact on answer.contact_id = contact.contact_id
    where
        answer.response_type = 'bought'
        and answer.response_date <= contact.contact_date + {{ var('uplift_horizon_days') | int }}
),

spent as (
    select
        campaign_id,
        channel,
        sum(amount) as amount
    from {{ history('fct_cost') }} as cost
    group by campaign_id, channel
),

sent as (
    select
        campaign_id,
        channel,
        count(*) as contact_count
    from {{ history('fct_contact') }} as made
    group by campaign_id, channel
)

select
    contact.as_of_date,
    contact.customer_id,
    contact.contact_id,
    contact.campaign_id,
    campaign.product_line,
    contact.contact_date,
    contact.treatment,
    contact.channel,
    contact.propensity,
    campaign.is_randomised,
    bought.contact_id is not null or answered.contact_id is not null as is_bought,
    coalesce(bought.margin_amount, 0)::double precision as margin_amount,
    coalesce(spent.amount / sent.contact_count, 0)::double precision as cost_amount,
    {{ build_columns() }}
from contact
inner join campaign on contact.campaign_id = campaign.campaign_id
left join bought on contact.contact_id = bought.contact_id
left join answered on contact.contact_id = answered.contact_id
left join sent on contact.campaign_id = sent.campaign_id and contact.channel = sent.channel
left join spent on contact.campaign_id = spent.campaign_id and contact.channel = spent.channel
