select
    visit_id,
    customer_id,
    manager_id,
    visited_at,
    channel,
    outcome,
    business_date,
    load_id
from {{ source('crm', 'visit') }}
