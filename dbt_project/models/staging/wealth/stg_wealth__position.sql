select
    customer_id,
    product_id,
    position_date,
    market_value_amount,
    business_date,
    load_id
from {{ source('wealth', 'position') }}
