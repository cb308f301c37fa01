select
    ordered.order_id,
    ordered.opportunity_id,
    ordered.campaign_id,
    ordered.customer_id,
    ordered.product_id,
    product.product_line,
    (ordered.ordered_at at time zone '{{ var('timezone') }}')::date as order_date,
    ordered.ordered_at,
    ordered.amount,
    ordered.margin_amount,
    {{ build_columns() }}
from {{ ref('stg_campaign__order') }} as ordered
left join {{ current('int_product') }} as product on ordered.product_id = product.product_id
where ordered.business_date = {{ business_date() }}
