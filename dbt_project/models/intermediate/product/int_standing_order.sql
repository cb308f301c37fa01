select
    standing_order.*,
    {{ build_columns() }}
from {{ newest('stg_core_banking__standing_order', ['standing_order_id']) }} as standing_order
