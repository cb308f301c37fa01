-- Who is linked with whom over any number of steps is one person; the oldest customer number stands for it.
with recursive matched as (
    select
        matching.rule,
        matching.customer_id,
        min(matching.customer_id) over (
            partition by matching.rule, matching.first_customer_id
        ) as other_customer_id
    from {{ current('int_identity_match') }} as matching
    where
        matching.customer_count <= {{ var('identity_group_limit') }}
        and not exists (
            select 1
            from {{ current('int_identity_decision') }} as split
            where
                split.decision = 'split'
                and split.customer_id = matching.customer_id
        )
),

-- In the order in which they count as the reason of a link.
agreed as (
    select
        1 as place,
        rule,
        case rule when 'id_number' then 'id_type, id_number' else 'name, birth_date, mobile' end as evidence,
        customer_id,
        other_customer_id
    from matched

    union all

    select
        2 as place,
        'manual' as rule,
        'decision ' || merged.decision_id as evidence,
        merged.customer_id,
        merged.other_customer_id
    from {{ current('int_identity_decision') }} as merged
    inner join {{ current('int_customer') }} as customer on merged.customer_id = customer.customer_id
    inner join {{ current('int_customer') }} as other_customer on merged.other_customer_id = other_customer.customer_id
    where merged.decision = 'merge'
),

edge as (
    select
        place,
        rule,
        evidence,
        customer_id,
        other_customer_id
    from agreed
    where customer_id <> other_customer_id

    union all

    select
        place,
        rule,
        evidence,
        other_customer_id as customer_id,
        customer_id as other_customer_id
    from agreed
    where customer_id <> other_customer_id
),

reached as (
    select distinct
        customer_id,
        customer_id as reached_customer_id
    from edge

    union

    select
        reached.customer_id,
        edge.other_customer_id as reached_customer_id
    from reached
    inner join edge on reached.reached_customer_id = edge.customer_id
),

person as (
    select distinct on (reached.customer_id)
        reached.customer_id,
        reached.reached_customer_id as linked_customer_id
    from reached
    inner join {{ current('int_customer') }} as customer on reached.reached_customer_id = customer.customer_id
    order by reached.customer_id, customer.open_date, customer.customer_id
),

reason as (
    select distinct on (customer_id)
        customer_id,
        rule,
        evidence
    from edge
    order by customer_id, place, rule, evidence
)

select
    person.customer_id,
    person.linked_customer_id,
    reason.rule,
    reason.evidence,
    {{ build_columns() }}
from person
inner join reason on person.customer_id = reason.customer_id
where person.customer_id <> person.linked_customer_id
