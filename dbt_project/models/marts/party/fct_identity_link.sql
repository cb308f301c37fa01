-- A ledger: what is linked now, against what the ledger of the dates before says. Nothing new, no row.
with before as (
    {% if built_before() %}
    select *
    from (
        select distinct on (customer_id)
            customer_id,
            linked_customer_id,
            event,
            rule,
            evidence
        from {{ earlier(this) }} as ledger
        -- On one date a customer is unlinked from one before being linked to another.
        order by customer_id, event_date desc, event
    ) as newest
    where event = 'linked'
    {% else %}
    select
        customer_id,
        linked_customer_id,
        'linked' as event,
        rule,
        evidence
    from {{ current('int_identity_link') }} as nothing
    where false
    {% endif %}
),

compared as (
    select
        link.customer_id,
        link.linked_customer_id,
        link.rule,
        link.evidence,
        before.customer_id as before_customer_id,
        before.linked_customer_id as before_linked_customer_id,
        before.rule as before_rule,
        before.evidence as before_evidence
    from {{ current('int_identity_link') }} as link
    full join before
        on
            link.customer_id = before.customer_id
            and link.linked_customer_id = before.linked_customer_id
            and link.rule = before.rule
            and link.evidence = before.evidence
    where link.customer_id is null or before.customer_id is null
)

select
    customer_id,
    linked_customer_id,
    'linked' as event,
    rule,
    evidence,
    {{ business_date() }} as event_date,
    {{ build_columns() }}
from compared
where customer_id is not null

union all

select
    before_customer_id as customer_id,
    before_linked_customer_id as linked_customer_id,
    'unlinked' as event,
    before_rule as rule,
    before_evidence as evidence,
    {{ business_date() }} as event_date,
    {{ build_columns() }}
from compared
where before_customer_id is not null
