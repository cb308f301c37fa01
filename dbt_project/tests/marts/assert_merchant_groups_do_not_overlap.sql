-- A code in two ranges would double its payments.
select
    one.first_code,
    one.last_code,
    other.first_code as other_first_code
from {{ ref('merchant_group') }} as one
inner join {{ ref('merchant_group') }} as other
    on
        one.first_code <= other.last_code
        and one.last_code >= other.first_code
        and one.first_code < other.first_code
