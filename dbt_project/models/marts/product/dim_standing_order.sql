select
    standing.standing_order_id,
    standing.account_id,
    coalesce(link.linked_customer_id, account.customer_id) as customer_id,
    standing.amount,
    standing.purpose,
    standing.effective_date,
    standing.end_date,
    standing.effective_date <= {{ business_date() }}
    and {{ business_date() }} <= coalesce(standing.end_date, 'infinity') as is_active,
    {{ build_columns() }}
from {{ current('int_standing_order') }} as standing
left join {{ current('int_account') }} as account on standing.account_id = account.account_id
left join {{ current('bridge_identity') }} as link on account.customer_id = link.customer_id
