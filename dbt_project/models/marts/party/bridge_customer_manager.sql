-- Insert-only, as dim_customer.
select
    version.customer_id,
    version.manager_id,
    version.effective_date,
    {{ build_columns() }}
from {{ new_versions('stg_crm__assignment', ['customer_id'], ['manager_id']) }} as version
