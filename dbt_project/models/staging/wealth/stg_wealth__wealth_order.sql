select
    order_id,
    customer_id,
    product_id,
    ordered_date,
    side,
    amount,
    business_date,
    load_id
from {{ source('wealth', 'wealth_order') }}
