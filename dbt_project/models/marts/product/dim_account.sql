-- By person: an account of a linked customer number belongs to the number that it is linked to.
select
    account.account_id,
    coalesce(link.linked_customer_id, account.customer_id) as customer_id,
    account.product_id,
    account.product_line,
    account.asset_class,
    account.currency,
    account.branch_id,
    account.open_date,
    account.close_date,
    account.maturity_date,
    account.status,
    {{ build_columns() }}
from {{ current('int_account') }} as account
left join {{ current('bridge_identity') }} as link on account.customer_id = link.customer_id
