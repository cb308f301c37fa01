select
    manager_id,
    name,
    branch_id,
    status,
    effective_date,
    business_date,
    load_id
from {{ source('crm', 'manager') }}
