select
    product_id,
    name,
    product_line,
    risk_level,
    interest_rate,
    term_months,
    is_on_sale,
    {{ build_columns() }}
from {{ ref('stg_core_banking__product') }}
where business_date = (
    select max(delivery.business_date)
    from {{ ref('stg_core_banking__product') }} as delivery
    where delivery.business_date <= {{ business_date() }}
)
