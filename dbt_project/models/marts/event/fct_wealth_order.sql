select
    ordered.order_id,
    ordered.customer_id,
    ordered.ordered_date,
    ordered.side,
    ordered.amount,
    ordered.product_id,
    product.product_line,
    product.risk_level,
    {{ build_columns() }}
from {{ ref('stg_wealth__wealth_order') }} as ordered
left join {{ current('int_product') }} as product on ordered.product_id = product.product_id
where ordered.business_date = {{ business_date() }}
