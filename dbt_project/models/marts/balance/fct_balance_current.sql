select
    customer_id,
    asset_class,
    max(balance_date) as moved_date,
    sum(balance_amount)::numeric(18, 2) as balance_amount,
    {{ build_columns() }}
from {{ current('int_position_balance') }} as position
group by customer_id, asset_class
