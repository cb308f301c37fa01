-- The loader keeps one file from loading twice; this keeps one transaction from coming in two files.
{{ config(severity='warn') }}

select
    today.transaction_id,
    earlier.business_date as first_delivered
from {{ current('fct_transaction') }} as today
-- Looked up by the primary key: history is not read.
cross join
    lateral (
        select fact.business_date
        from {{ ref('fct_transaction') }} as fact
        where fact.transaction_id = today.transaction_id and fact.build_id = any({{ published_before() }})
        order by fact.business_date
        offset 0
    ) as earlier
where cardinality({{ published_before() }}) > 0
