select
    product_id,
    name,
    product_line,
    risk_level,
    interest_rate,
    term_months,
    is_on_sale,
    business_date,
    load_id
from {{ source('core_banking', 'product') }}
