select
    repayment_id,
    contract_id,
    due_date,
    paid_date,
    due_amount,
    paid_amount,
    business_date,
    load_id
from {{ source('loan', 'repayment') }}
