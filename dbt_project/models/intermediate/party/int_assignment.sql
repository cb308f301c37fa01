select
    assignment.*,
    {{ build_columns() }}
from {{ newest('stg_crm__assignment', ['customer_id']) }} as assignment
