select
    account_id,
    customer_id,
    holder_role,
    effective_date,
    business_date,
    load_id
from {{ source('core_banking', 'account_holder') }}
