select
    product_id,
    name,
    product_line,
    risk_level,
    interest_rate,
    term_months,
    is_on_sale,
    {{ build_columns() }}
from {{ latest_delivery('stg_core_banking__product') }} as product
