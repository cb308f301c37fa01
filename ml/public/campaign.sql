-- One row per contact that came to an end, with what the marts knew on its day; the outcome stands beside it.
-- Age and marital status aren't among it: a protected attribute is never a feature.
with contact as (
    select
        contact_id,
        campaign_id,
        customer_id,
        contact_date,
        contacted_at,
        creative_id
    from marts.fct_contact
    where build_id = %(build)s
),

outcome as (
    select
        response.contact_id,
        response.response_type
    from marts.fct_response as response
    where response.build_id = %(build)s and response.response_type in ('bought', 'refused')
),

asked as (
    select contact.*, outcome.response_type = 'bought' as is_bought
    from contact
    inner join outcome on contact.contact_id = outcome.contact_id
    where contact.campaign_id = %(campaign)s
),

-- Calls of the same customer: the same campaign's so far, and the campaigns' before it.
past as (
    select
        asked.contact_id,
        count(*) filter (where other.campaign_id = asked.campaign_id) as call_count,
        count(*) filter (where other.campaign_id <> asked.campaign_id) as earlier_count,
        asked.contact_date - max(other.contact_date) filter (where other.campaign_id <> asked.campaign_id)
            as days_since_earlier,
        max(outcome.response_type) filter (where other.campaign_id <> asked.campaign_id) as earlier_outcome
    from asked
    inner join contact as other
        on asked.customer_id = other.customer_id and asked.contacted_at >= other.contacted_at
    left join outcome on other.contact_id = outcome.contact_id
    group by asked.contact_id, asked.contact_date
),

holding as (
    select
        customer_id,
        bool_or(product_id = 'housing_loan') as has_housing_loan,
        bool_or(product_id = 'personal_loan') as has_personal_loan
    from marts.dim_account
    where build_id = %(build)s
    group by customer_id
),

day as (
    select distinct contact_date from asked
),

indicator as (
    select
        day.contact_date,
        jsonb_object_agg(known.indicator_code, known.indicator_value) as value
    from day
    cross join lateral (
        select distinct on (indicator_code)
            indicator_code,
            indicator_value
        from marts.fct_macro_indicator
        where build_id = %(build)s and period_date <= day.contact_date
        order by indicator_code, period_date desc
    ) as known
    group by day.contact_date
)

select
    asked.contact_date - date '1970-01-01' as moment,
    asked.is_bought,
    customer.occupation,
    customer.education,
    holding.has_housing_loan::integer as has_housing_loan,
    holding.has_personal_loan::integer as has_personal_loan,
    asked.creative_id as line,
    to_char(asked.contact_date, 'mon') as month,
    to_char(asked.contact_date, 'dy') as weekday,
    past.call_count,
    past.earlier_count,
    past.days_since_earlier,
    past.earlier_outcome,
    indicator.value as indicators
from asked
inner join past on asked.contact_id = past.contact_id
inner join marts.dim_customer as customer
    on asked.customer_id = customer.customer_id and customer.build_id = %(build)s
left join holding on asked.customer_id = holding.customer_id
left join indicator on asked.contact_date = indicator.contact_date
order by asked.contacted_at, asked.contact_id
