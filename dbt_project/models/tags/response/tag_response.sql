with person as (
    select
        holding.customer_id,
        contact.contact_count_180d,
        contact.contact_count_365d,
        contact.control_count_365d,
        contact.days_since_contact,
        response.response_opened_count_365d,
        response.response_clicked_count_365d + response.response_replied_count_365d as engaged_count_365d,
        response.response_bought_count_365d,
        response.response_refused_count_365d,
        response.days_since_response,
        sale.order_count_365d,
        sale.days_since_order,
        lead.lead_count_365d,
        lead.days_since_lead
    from {{ current('ind_holding') }} as holding
    inner join {{ current('ind_contact') }} as contact
        on
            holding.customer_id = contact.customer_id
            and holding.as_of_date = contact.as_of_date
    inner join {{ current('ind_response') }} as response
        on
            holding.customer_id = response.customer_id
            and holding.as_of_date = response.as_of_date
    inner join {{ current('ind_sale') }} as sale
        on
            holding.customer_id = sale.customer_id
            and holding.as_of_date = sale.as_of_date
    inner join {{ current('ind_lead') }} as lead
        on
            holding.customer_id = lead.customer_id
            and holding.as_of_date = lead.as_of_date
    where holding.as_of_date = {{ business_date() }}
),

answered as (
    select
        *,
        engaged_count_365d::double precision / nullif(contact_count_365d, 0) as answer_rate
    from person
),

compared as (
    select
        *,
        (answer_rate - avg(answer_rate) over ()) / nullif(stddev_pop(answer_rate) over (), 0) as answer_deviation
    from answered
)

select
    customer_id,
    case
        when not ({{ delivered('campaign.contact') }} and {{ delivered('campaign.response') }}) then null
        when contact_count_365d = 0 then 'never_contacted'
        when response_bought_count_365d > 0 then 'bought'
        when engaged_count_365d > 0 then 'engaged'
        when response_opened_count_365d > 0 then 'opened'
        else 'silent'
    end as responsiveness,
    case
        when not ({{ delivered('campaign.contact') }} and {{ delivered('campaign.response') }}) then null
        when contact_count_365d = 0 then 'none'
        when engaged_count_365d = 0 then 'never'
        when engaged_count_365d * 2 < contact_count_365d then 'seldom'
        else 'often'
    end as answer_frequency,
    case
        when not {{ delivered('campaign.contact') }} then null
        when days_since_contact is null then 'none'
        when days_since_contact < 30 then 'within_30d'
        when days_since_contact < 90 then 'within_90d'
        else 'within_365d'
    end as last_contact,
    case
        when {{ delivered('campaign.contact') }} and {{ delivered('campaign.response') }}
            then contact_count_180d >= 2 and coalesce(days_since_response >= 180, true)
    end as is_contact_fatigued,
    case when {{ delivered('campaign.contact') }} then control_count_365d > 0 end as was_in_control_group,
    case when {{ delivered('campaign.response') }} then response_refused_count_365d > 0 end as has_refused_offer,
    case
        when not {{ delivered('campaign.order') }} then null
        when order_count_365d = 0 then 'none'
        when order_count_365d = 1 then 'one'
        else 'several'
    end as campaign_orders,
    case
        when not ({{ delivered('campaign.lead') }} and {{ delivered('campaign.order') }}) then null
        when lead_count_365d = 0 then 'none'
        when days_since_order <= days_since_lead then 'won'
        when days_since_lead < 60 then 'open'
        else 'stale'
    end as lead_state,
    case
        when not ({{ delivered('campaign.contact') }} and {{ delivered('campaign.response') }}) then null
        when contact_count_365d = 0 then 'none'
        when coalesce(answer_deviation, 0) < 1 then 'usual'
        when answer_deviation < 2 then 'above'
        else 'far_above'
    end as answers_among_contacted,
    {{ build_columns() }}
from compared
