select
    customer_id,
    sex,
    birth_date,
    district_id,
    branch_id,
    open_date,
    status,
    effective_date,
    known_date,
    {{ build_columns() }}
from {{ current('int_customer') }} as customer
