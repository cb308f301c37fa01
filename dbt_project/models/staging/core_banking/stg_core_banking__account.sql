select
    account_id,
    customer_id,
    product_id,
    nullif(trim(branch_id), '') as branch_id,
    currency,
    open_date,
    close_date,
    maturity_date,
    status,
    effective_date,
    business_date,
    load_id
from {{ source('core_banking', 'account') }}
