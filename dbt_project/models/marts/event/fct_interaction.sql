with call as (
    select
        'call' as interaction_kind,
        call_id as interaction_id,
        customer_id,
        started_at as interaction_at,
        reason as topic,
        direction,
        is_resolved
    from {{ ref('stg_contact_centre__call') }}
    where business_date = {{ business_date() }}
),

complaint as (
    select
        'complaint' as interaction_kind,
        complaint_id as interaction_id,
        customer_id,
        opened_at as interaction_at,
        topic,
        'in' as direction,
        closed_at is not null as is_resolved
    from {{ ref('stg_contact_centre__complaint') }}
    where business_date = {{ business_date() }}
),

visit as (
    select
        'visit' as interaction_kind,
        visit_id as interaction_id,
        customer_id,
        visited_at as interaction_at,
        outcome as topic,
        'out' as direction,
        true as is_resolved
    from {{ ref('stg_crm__visit') }}
    where business_date = {{ business_date() }}
),

together as (
    select * from call
    union all
    select * from complaint
    union all
    select * from visit
)

select
    interaction_kind,
    interaction_id,
    customer_id,
    (interaction_at at time zone '{{ var('timezone') }}')::date as interaction_date,
    interaction_at,
    topic,
    direction,
    is_resolved,
    {{ build_columns() }}
from together
