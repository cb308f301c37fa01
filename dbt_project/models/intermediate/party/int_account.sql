-- Line and class come from the products of the day: a product that moves to another line takes its accounts with it.
select
    account.account_id,
    account.customer_id,
    account.product_id,
    account.branch_id,
    account.currency,
    account.open_date,
    account.close_date,
    account.maturity_date,
    account.status,
    account.effective_date,
    account.known_date,
    product.product_line,
    {{ asset_class('product.product_line') }} as asset_class,
    {{ build_columns() }}
from {{ newest('stg_core_banking__account', ['account_id']) }} as account
left join {{ current('int_product') }} as product on account.product_id = product.product_id
