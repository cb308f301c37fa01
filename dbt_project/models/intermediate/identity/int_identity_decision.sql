-- What people decided counts from its business date on. A split stands for good: it keeps a customer out of automatic
-- links, and ends what was merged by hand before it. A later merge links again, by hand and with that one only.
with decision as (
    select
        decision_id,
        customer_id,
        other_customer_id,
        decision,
        row_number() over (order by business_date, decision_id) as place
    from {{ source('governance', 'identity_decision') }}
    where business_date <= {{ business_date() }}
),

split as (
    select
        customer_id,
        max(place) as place
    from decision
    where decision = 'split'
    group by customer_id
),

merged as (
    select distinct on (decision.customer_id, decision.other_customer_id)
        decision.customer_id,
        decision.other_customer_id,
        decision.decision_id
    from decision
    where
        decision.decision = 'merge'
        and not exists (
            select 1
            from split
            where
                split.customer_id in (decision.customer_id, decision.other_customer_id)
                and split.place > decision.place
        )
    order by decision.customer_id, decision.other_customer_id, decision.place desc
)

select
    'split' as decision,
    split.customer_id,
    null::text as other_customer_id,
    null::bigint as decision_id,
    {{ build_columns() }}
from split

union all

select
    'merge' as decision,
    merged.customer_id,
    merged.other_customer_id,
    merged.decision_id,
    {{ build_columns() }}
from merged
