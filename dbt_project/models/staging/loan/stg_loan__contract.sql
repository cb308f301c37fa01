select
    contract_id,
    account_id,
    customer_id,
    nullif(trim(product_id), '') as product_id,
    start_date,
    principal_amount,
    term_months,
    payment_amount,
    status,
    effective_date,
    business_date,
    load_id
from {{ source('loan', 'contract') }}
