select
    branch_id,
    name,
    nullif(trim(district_id), '') as district_id,
    nullif(trim(region), '') as region,
    opened_date,
    business_date,
    load_id
from {{ source('core_banking', 'branch') }}
