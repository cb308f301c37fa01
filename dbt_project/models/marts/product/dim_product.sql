select
    product_id,
    name,
    product_line,
    risk_level,
    interest_rate,
    term_months,
    is_on_sale,
    {{ build_columns() }}
from {{ current('int_product') }} as product
