-- Too many customers with one ID number, or one name, birth date and mobile: a placeholder. They are not linked; the
-- source's records want mending.
{{ config(severity='warn') }}

select
    rule,
    first_customer_id,
    max(customer_count) as customer_count
from {{ current('int_identity_match') }} as matching
where customer_count > {{ var('identity_group_limit') }}
group by rule, first_customer_id
