select
    customer.*,
    {{ build_columns() }}
from {{ newest('stg_core_banking__customer', ['customer_id']) }} as customer
