select
    customer_id,
    customer_id as linked_customer_id,
    {{ build_columns() }}
from {{ current('int_customer') }} as customer
where false
