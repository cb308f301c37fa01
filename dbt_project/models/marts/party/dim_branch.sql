select
    branch_id,
    name,
    district_id,
    region,
    opened_date,
    {{ build_columns() }}
from {{ ref('stg_core_banking__branch') }}
where business_date = (
    select max(delivery.business_date)
    from {{ ref('stg_core_banking__branch') }} as delivery
    where delivery.business_date <= {{ business_date() }}
)
