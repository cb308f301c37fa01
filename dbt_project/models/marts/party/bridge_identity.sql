-- The newest entry of the ledger says since when.
with ledger as (
    select distinct on (customer_id)
        customer_id,
        event_date
    from {{ history('fct_identity_link') }} as entry
    where event = 'linked'
    order by customer_id, event_date desc
)

select
    link.customer_id,
    link.linked_customer_id,
    link.rule,
    link.evidence,
    ledger.event_date as linked_date,
    {{ build_columns() }}
from {{ current('int_identity_link') }} as link
inner join ledger on link.customer_id = ledger.customer_id
