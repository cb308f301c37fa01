select
    branch_id,
    name,
    district_id,
    region,
    opened_date,
    {{ build_columns() }}
from {{ latest_delivery('stg_core_banking__branch') }} as branch
