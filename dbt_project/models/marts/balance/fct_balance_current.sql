-- By person, as dim_account.
select
    coalesce(link.linked_customer_id, position.customer_id) as customer_id,
    position.asset_class,
    max(position.balance_date) as moved_date,
    sum(position.balance_amount)::numeric(18, 2) as balance_amount,
    {{ build_columns() }}
from {{ current('int_position_balance') }} as position
left join {{ current('bridge_identity') }} as link on position.customer_id = link.customer_id
group by coalesce(link.linked_customer_id, position.customer_id), position.asset_class
