select
    as_of_date,
    customer_id,
    {{- wide_columns('feature') }}
    business_date,
    build_id
from {{ ref('ind_all') }}
