select
    customer_id,
    manager_id,
    effective_date,
    business_date,
    load_id
from {{ source('crm', 'assignment') }}
