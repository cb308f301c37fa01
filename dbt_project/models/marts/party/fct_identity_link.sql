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
    event.customer_id,
    event.linked_customer_id,
    event.event,
    event.rule,
    event.evidence,
    {{ business_date() }} as event_date,
    {{ build_columns() }}
from compared
cross join lateral (
    values
    (compared.customer_id, compared.linked_customer_id, 'linked', compared.rule, compared.evidence),
    (
        compared.before_customer_id,
        compared.before_linked_customer_id,
        'unlinked',
        compared.before_rule,
        compared.before_evidence
    )
) as event (customer_id, linked_customer_id, event, rule, evidence)
where event.customer_id is not null
