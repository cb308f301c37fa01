select
    account_id,
    customer_id,
    product_id,
    product_line,
    asset_class,
    branch_id,
    open_date,
    close_date,
    maturity_date,
    status,
    {{ build_columns() }}
from {{ current('int_account') }} as account
