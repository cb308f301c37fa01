-- Insert-only, as dim_customer.
select
    version.account_id,
    version.customer_id,
    version.holder_role,
    version.effective_date,
    {{ build_columns() }}
from {{ new_versions('stg_core_banking__account_holder', ['account_id', 'customer_id'], ['holder_role']) }} as version
