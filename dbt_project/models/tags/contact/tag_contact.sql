-- Who may be reached how: the newest word on a channel, or on all channels at once, counts.
with word as (
    select
        coalesce(link.linked_customer_id, fact.customer_id) as customer_id,
        fact.event_date,
        fact.purpose,
        fact.channel,
        case when fact.action = 'granted' then fact.occurred_at end as granted_at,
        case when fact.action = 'withdrawn' then fact.occurred_at end as withdrawn_at
    from {{ history('fct_consent_event') }} as fact
    left join {{ current('bridge_identity') }} as link on fact.customer_id = link.customer_id
    where fact.event_date <= {{ business_date() }}
),

consent as (
    select
        customer_id,
        {%- for channel in ['sms', 'call', 'app_push', 'email', 'manager'] %}
        coalesce(
            max(granted_at) filter (where purpose = 'marketing' and channel in ('{{ channel }}', 'all'))
            > coalesce(
                max(withdrawn_at) filter (where purpose = 'marketing' and channel in ('{{ channel }}', 'all')),
                '-infinity'
            ),
            false
        ) as {{ channel }},
        {%- endfor %}
        {%- for purpose in ['profiling', 'sharing'] %}
        coalesce(
            max(granted_at) filter (where purpose = '{{ purpose }}')
            > coalesce(max(withdrawn_at) filter (where purpose = '{{ purpose }}'), '-infinity'),
            false
        ) as {{ purpose }},
        {%- endfor %}
        max(event_date) filter (
            where purpose = 'marketing' and withdrawn_at is not null
        ) as last_withdrawn_date
    from word
    group by customer_id
),

person as (
    select
        holding.customer_id,
        {%- for channel in ['sms', 'call', 'app_push', 'email', 'manager', 'profiling', 'sharing'] %}
        coalesce(consent.{{ channel }}, false) as {{ channel }},
        {%- endfor %}
        coalesce(consent.sms, false)::integer
        + coalesce(consent.call, false)::integer
        + coalesce(consent.app_push, false)::integer
        + coalesce(consent.email, false)::integer
        + coalesce(consent.manager, false)::integer as channel_count,
        consent.last_withdrawn_date
    from {{ current('ind_holding') }} as holding
    left join consent on holding.customer_id = consent.customer_id
    where holding.as_of_date = {{ business_date() }}
)

select
    customer_id,
    {%- for channel in ['sms', 'call', 'app_push', 'email', 'manager'] %}
    case when {{ delivered('consent.consent_event') }} then {{ channel }} end as may_contact_by_{{ channel }},
    {%- endfor %}
    case when {{ delivered('consent.consent_event') }} then profiling end as may_be_profiled,
    case when {{ delivered('consent.consent_event') }} then sharing end as may_be_shared,
    case
        when not {{ delivered('consent.consent_event') }} then null
        when channel_count = 5 then 'all'
        when channel_count > 0 then 'some'
        when last_withdrawn_date is not null then 'withdrawn'
        else 'never_given'
    end as marketing_consent,
    case
        when {{ delivered('consent.consent_event') }}
            then coalesce(last_withdrawn_date > {{ business_date() }} - 180, false)
    end as withdrew_lately,
    {{ build_columns() }}
from person
